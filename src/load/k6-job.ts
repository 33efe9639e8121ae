import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesObject } from '../core/object.ts'
import { podTrouble } from '../kube/until.ts'
import { K6_FLAGS } from './k6-here.ts'
import type { Generator } from './load-run.ts'
import type { Cluster } from '../cluster/cluster.ts'

const SCRIPTS = join(import.meta.dirname, '..', '..', 'load')

interface Terminated {
  exitCode: number
}

const terminatedOf = (pod: KubernetesObject | undefined): Terminated | undefined =>
  pod?.status?.containerStatuses?.[0]?.state?.terminated as Terminated | undefined

/** Runs a script of load/ as a Job of ours in the cluster; its pod's log is what k6 writes. Resolves when k6 has begun. */
export async function runAsJob(
  cluster: Cluster,
  { namespace, name, script }: { namespace: string; name: string; script: string },
  parameters: Record<string, string>,
): Promise<Generator> {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: Object.fromEntries(
      ['request.ts', `${script}.ts`].map((file) => [file, readFileSync(join(SCRIPTS, file), 'utf8')]),
    ),
  })
  const env = Object.entries({ ...parameters, K6_AUTO_EXTENSION_RESOLUTION: 'false' })
  await cluster.applyFixture('load/job.yaml', {
    namespace,
    name,
    image: cluster.config.load.image,
    args: JSON.stringify(['run', ...K6_FLAGS, `/load/${script}.ts`]),
    env: JSON.stringify(env.map(([key, value]) => ({ name: key, value }))),
  })
  const watched = { kind: 'v1/Pod', namespace, labels: `batch.kubernetes.io/job-name=${name}` }
  const [pod] = await cluster.until(
    watched,
    ([found]) => {
      if (found?.status?.phase && found.status.phase !== 'Pending') return undefined
      return (found && podTrouble(found)) || `its pod is ${found?.status?.phase ?? 'not there'}`
    },
    'podReady',
  )
  const said: string[] = []
  const lines = async function* (): AsyncGenerator<string> {
    const log = { name: pod?.metadata?.name ?? '', namespace }
    for await (const line of cluster.k8s.followLog(log, 600, new AbortController().signal)) {
      if (line.startsWith('{')) yield line
      else said.splice(0, Math.max(0, said.length - 50), line)
    }
  }
  let stopped = false
  const over = Promise.withResolvers<void>()
  return {
    lines: closing(lines(), over.resolve),
    ended: over.promise.then(async () => {
      if (stopped) return { code: 0, said: said.join('\n') }
      const [last] = await cluster.until(
        watched,
        ([found]) => (found && !terminatedOf(found) ? 'k6 has not ended' : undefined),
        'podReady',
      )
      return { code: terminatedOf(last)?.exitCode, said: said.join('\n') }
    }),
    async stop() {
      stopped = true
      // SIGTERM to k6, which answers what is under way; the log ends with the pod.
      await cluster.k8s.delete({ kind: 'batch/v1/Job', name, namespace })
    },
  }
}

async function* closing(lines: AsyncGenerator<string>, closed: () => void): AsyncGenerator<string> {
  try {
    yield* lines
  } finally {
    closed()
  }
}
