import { execa } from 'execa'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope, waitingFor } from '../core/scope.ts'
import { ACCEPTED } from '../kube/errors.ts'
import { fixturePath, parseManifest } from '../kube/manifest.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** One of istioctl analyze's messages. */
export interface AnalyzeMessage {
  code: string
  level: string
  message: string
  origin?: string
}

/** What istioctl makes of an install file. */
export interface Rendered {
  /** How many objects there are in all. */
  count: number
  /** Those of the kind that was asked for. */
  objects: KubernetesObject[]
  /** What the file is refused with; ACCEPTED where it is not. */
  refusal: string
}

/**
 * Runs istioctl against the stack's cluster and gives its output; `exitCodes` are those that it may end with.
 * @throws StackFailure with its last line of error, where it ends otherwise
 */
export async function istioctl(
  { config: { kubeconfig }, run: { context } }: Cluster,
  args: string[],
  exitCodes: readonly number[] = [0],
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const scope = currentScope()
  const connection = ['--context', context, ...(kubeconfig ? ['--kubeconfig', kubeconfig] : [])]
  const run = async () => {
    const done = await execa('istioctl', [...args, ...connection], {
      reject: false,
      timeout: deadline('istioctl'),
      ...(scope ? { cancelSignal: scope.signal } : {}),
    })
    const exitCode = done.exitCode ?? -1
    if (!exitCodes.includes(exitCode)) {
      const why = done.timedOut
        ? `did not end within ${deadline('istioctl') / 1000} s`
        : lastLine(done.stderr || done.stdout)
      throw new StackFailure(`istioctl ${args.slice(0, 2).join(' ')}: ${why}`)
    }
    return { stdout: done.stdout, stderr: done.stderr, exitCode }
  }
  return waitingFor(`istioctl ${args[0] ?? ''}`, deadline('istioctl'), run, 'program')
}

/** What istioctl makes of an install file in fixtures/; only objects of one kind are read, since to read all of its CRDs takes a second. */
export async function renderedBy(cluster: Cluster, path: string, kind: string): Promise<Rendered> {
  const { stdout, stderr, exitCode } = await istioctl(
    cluster,
    ['manifest', 'generate', '-f', fixturePath(path)],
    [0, 1],
  )
  if (exitCode !== 0) return { count: 0, objects: [], refusal: lastLine(stderr) }
  const documents = stdout.split(/^---$/m).filter((text) => text.trim())
  const wanted = documents.filter((text) => new RegExp(`^kind: ${kind}$`, 'm').test(text))
  const objects = wanted.flatMap((text) => parseManifest(text, `what istioctl makes of ${path}`))
  return { count: documents.length, objects, refusal: ACCEPTED }
}

/** What istioctl analyze says of all namespaces, but for those of a run. */
export async function analyze(cluster: Cluster): Promise<AnalyzeMessage[]> {
  // It exits 79 where it found an error; the messages are on stdout either way.
  const { stdout } = await istioctl(
    cluster,
    ['analyze', '--all-namespaces', '--output', 'json', '--failure-threshold', 'Error'],
    [0, 1, 79],
  )
  const messages = JSON.parse(stdout || '[]') as AnalyzeMessage[]
  return messages.filter((message) => !/\bplumb-[\w-]+/.test(`${message.origin ?? ''} ${message.message}`))
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
