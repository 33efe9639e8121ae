import { execa } from 'execa'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope, waitingFor } from '../core/scope.ts'
import { ACCEPTED } from '../kube/errors.ts'
import { fixturePath, parseManifest } from '../kube/manifest.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { theIstiod } from '../survey/surveyed.ts'

/** One of istioctl analyze's messages. */
export interface AnalyzeMessage {
  code: string
  level: string
  message: string
  origin?: string
}

/** The manifest that istioctl renders from an install file. */
export interface Rendered {
  /** The number of all objects. */
  count: number
  /** The objects of the requested kind. */
  objects: KubernetesObject[]
  /** The refusal of the file, in istioctl's words; ACCEPTED where there is none. */
  refusal: string
}

/**
 * Runs istioctl against the stack's cluster.
 * @param exitCodes those that it may end with
 * @throws StackFailure with the last line of its stderr, where it ends with another exit code
 */
export async function istioctl(
  { config: { kubeconfig }, run: { context } }: Cluster,
  args: string[],
  exitCodes: readonly number[] = [0],
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const scope = currentScope()
  const connection = ['--context', context, ...(kubeconfig ? ['--kubeconfig', kubeconfig] : [])]
  const run = async () => {
    const result = await execa('istioctl', [...args, ...connection], {
      reject: false,
      timeout: deadline('istioctl'),
      ...(scope ? { cancelSignal: scope.signal } : {}),
    })
    const exitCode = result.exitCode ?? -1
    if (!exitCodes.includes(exitCode)) {
      const reason = result.timedOut
        ? `timed out after ${deadline('istioctl') / 1000} s`
        : lastLine(result.stderr || result.stdout)
      throw new StackFailure(`istioctl ${args.slice(0, 2).join(' ')}: ${reason}`)
    }
    return { stdout: result.stdout, stderr: result.stderr, exitCode }
  }
  return waitingFor(`istioctl ${args[0] ?? ''}`, deadline('istioctl'), run, 'program')
}

/**
 * Renders an install file in fixtures/ with istioctl. It parses the objects of one kind only: to parse all CRDs takes a
 * second.
 */
export async function renderManifest(cluster: Cluster, path: string, kind: string): Promise<Rendered> {
  const { stdout, stderr, exitCode } = await istioctl(
    cluster,
    ['manifest', 'generate', '-f', fixturePath(path)],
    [0, 1],
  )
  if (exitCode !== 0) return { count: 0, objects: [], refusal: lastLine(stderr) }
  const documents = stdout.split(/^---$/m).filter((text) => text.trim())
  const wanted = documents.filter((text) => new RegExp(`^kind: ${kind}$`, 'm').test(text))
  const objects = wanted.flatMap((text) => parseManifest(text, `the manifest that istioctl renders from ${path}`))
  return { count: documents.length, objects, refusal: ACCEPTED }
}

/** The messages of istioctl analyze about all namespaces except those of a run, as the gateway's istiod sees them. */
export async function analyze(cluster: Cluster): Promise<AnalyzeMessage[]> {
  const { workload, revision } = await theIstiod(cluster)
  const istiod = ['--istioNamespace', workload.namespace, ...(revision === 'default' ? [] : ['--revision', revision])]
  // It exits 79 where it found an error; the messages are on stdout either way.
  const { stdout } = await istioctl(
    cluster,
    ['analyze', '--all-namespaces', ...istiod, '--output', 'json', '--failure-threshold', 'Error'],
    [0, 1, 79],
  )
  const messages = JSON.parse(stdout || '[]') as AnalyzeMessage[]
  return messages.filter((message) => !/\bplumb-[\w-]+/.test(`${message.origin ?? ''} ${message.message}`))
}

/**
 * The namespace that a message is about: of its origin, 'KIND NAMESPACE/NAME', 'KIND NAME.NAMESPACE' of older versions,
 * or 'Namespace NAME'. Undefined where it is about the cluster.
 */
export function namespaceOf({ origin = '' }: AnalyzeMessage): string | undefined {
  const [kind, name = ''] = origin.split(/[ (]/)
  if (kind === 'Namespace') return name
  if (name.includes('/')) return name.slice(0, name.indexOf('/'))
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1) : undefined
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
