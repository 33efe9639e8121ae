import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deadline } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import { plainMessage, StackFailure } from '../core/problem.ts'
import { inScope, Scope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { podTrouble } from '../kube/until.ts'
import type { Agent } from '../traffic/agent.ts'
import { clockHere, readClock, type Clock } from './clock.ts'
import { readLog } from './job-log.ts'
import { K6_FLAGS } from './k6-here.ts'
import { LoadProblem, type Generator } from './load-run.ts'
import type { Cluster } from '../cluster/cluster.ts'

const SCRIPTS = join(import.meta.dirname, '..', '..', 'load')
const CLOCK_WITHIN_MS = 5000
/** Of what k6 says besides its samples so many lines are kept: the end, which has its reason. */
const SAID_LINES = 50
const REOPEN_AFTER_MS = 300

/** Which Job: its namespace and name, and the script of load/ that it runs. */
export interface LoadJob {
  namespace: string
  name: string
  script: string
}

/** What of a cluster a Job of load takes. */
export type JobCluster = Pick<Cluster, 'apply' | 'applyFixture' | 'until' | 'config' | 'k8s'>

/**
 * Runs a script of load/ as a Job of ours in the cluster; its pod's log is what k6 writes. Resolves when k6 has begun
 * and the clock of its node was read, by an agent beside it. The Job ends by itself after the longest time that a check
 * may take.
 * @throws LoadProblem where the pod does not start, or its clock cannot be read
 */
export async function runAsJob(
  cluster: JobCluster,
  agent: Pick<Agent, 'fixtureValues' | 'askPod'>,
  { namespace, name, script }: LoadJob,
  parameters: Record<string, string>,
): Promise<Generator> {
  const seconds = Math.ceil(deadline('drainCheck') / 1000) + 60
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: Object.fromEntries(
      ['request.ts', `${script}.ts`].map((file) => [file, readFileSync(join(SCRIPTS, file), 'utf8')]),
    ),
  })
  // Where a login wants headers, they are a secret, as the agent's token is.
  const { HEADERS = '{}', ...shown } = parameters
  const env = Object.entries({ ...shown, K6_AUTO_EXTENSION_RESOLUTION: 'false' })
  await cluster.applyFixture('load/job.yaml', {
    namespace,
    name,
    seconds,
    image: cluster.config.load.image,
    args: JSON.stringify(['run', ...K6_FLAGS, `/load/${script}.ts`]),
    env: JSON.stringify([
      ...env.map(([key, value]) => ({ name: key, value })),
      { name: 'HEADERS', valueFrom: { secretKeyRef: { name: 'agent', key: 'headers' } } },
    ]),
    headers: JSON.stringify(HEADERS),
    ...(await agent.fixtureValues()),
  })
  const pod = await untilStarted(cluster, { namespace, name })
  const clock = await clockOf(cluster, agent, { namespace, name: pod })
  return new JobOfK6(cluster, { namespace, name, pod, seconds, clock })
}

const exitCodeOf = (pod: KubernetesObject): number | undefined => {
  const statuses = (pod.status?.containerStatuses ?? []) as KubernetesObject[]
  return statuses.find((status) => status.name === 'k6')?.state?.terminated?.exitCode as number | undefined
}

/** Gives the name of the Job's pod once k6 runs in it, or has run. */
async function untilStarted(cluster: JobCluster, { namespace, name }: { namespace: string; name: string }) {
  const watched = { kind: 'v1/Pod', namespace, labels: `batch.kubernetes.io/job-name=${name}` }
  const missing = ([pod]: KubernetesObject[]) => {
    if (pod?.status?.phase && pod.status.phase !== 'Pending') return undefined
    return (pod && podTrouble(pod)) || (pod ? `Pod ${pod.metadata?.name} is Pending` : 'the Job has no pod yet')
  }
  try {
    const [pod] = await cluster.until(watched, missing, 'podReady')
    return pod?.metadata?.name ?? ''
  } catch (problem) {
    if (!(problem instanceof StackFailure)) throw problem
    throw new LoadProblem(`Job ${namespace}/${name} of k6 did not start: ${problem.message}`, { cause: problem })
  }
}

async function clockOf(
  cluster: JobCluster,
  agent: Pick<Agent, 'askPod'>,
  pod: { namespace: string; name: string },
): Promise<Clock> {
  const ask = () => agent.askPod<{ now: number }>(pod, 'clock', { withinMs: CLOCK_WITHIN_MS })
  try {
    return await readClock(async () => (await ask()).now)
  } catch (problem) {
    const found = await cluster.k8s.find('v1/Pod', pod.name, pod.namespace)
    // k6 that ended at once, and the agent with it, has a reason of its own to tell.
    if (found && exitCodeOf(found)) return clockHere()
    throw new LoadProblem(
      `the clock of Pod ${pod.namespace}/${pod.name} could not be read, so its samples cannot be placed in time: ` +
        plainMessage(problem),
      { cause: problem },
    )
  }
}

interface Started {
  namespace: string
  name: string
  pod: string
  seconds: number
  clock: Clock
}

/** A Job of k6 that has begun. */
class JobOfK6 implements Generator {
  readonly lines: AsyncIterable<string>
  readonly ended: Promise<{ code: number | undefined; said: string }>
  readonly clock: Clock
  readonly #cluster: JobCluster
  readonly #job: Started
  readonly #said: string[] = []
  readonly #over = new AbortController()
  #stopped = false
  #code: number | undefined

  constructor(cluster: JobCluster, job: Started) {
    this.#cluster = cluster
    this.#job = job
    this.clock = job.clock
    const read = Promise.withResolvers<void>()
    this.lines = this.#read(read.resolve)
    this.ended = read.promise.then(() => ({ code: this.#stopped ? 0 : this.#code, said: this.#said.join('\n') }))
  }

  /** Deletes the Job: SIGTERM to k6, which answers what is under way. What it writes until then is read. */
  async stop(): Promise<void> {
    this.#stopped = true
    const { namespace, name } = this.#job
    setTimeout(() => this.#over.abort(), deadline('loadStopped')).unref()
    // A check that was aborted must still be able to end its load.
    await inScope(new Scope('load', new AbortController().signal, 'writes'), () =>
      this.#cluster.k8s.delete({ kind: 'batch/v1/Job', name, namespace }),
    )
  }

  async *#read(done: () => void): AsyncGenerator<string> {
    const { namespace, pod, seconds } = this.#job
    using limit = timeLimit(seconds * 1000, this.#over.signal)
    const log = { name: pod, namespace, container: 'k6' }
    const open = (since: string | undefined) =>
      this.#cluster.k8s.followLog(log, { since, timestamps: true }, limit.signal)
    try {
      for await (const line of readLog(open, (problem) => this.#afterEnd(problem, limit.signal))) {
        if (line.startsWith('{')) yield line
        else this.#said.splice(0, Math.max(0, this.#said.length + 1 - SAID_LINES), line)
      }
    } finally {
      done()
    }
  }

  /** A stream may be cut while k6 writes on: the log is read to its end once it was opened after k6 had ended. */
  async #afterEnd(problem: unknown, limit: AbortSignal): Promise<'more' | 'all'> {
    const { namespace, name, pod, seconds } = this.#job
    if (limit.aborted) {
      if (this.#stopped) return 'all'
      throw new LoadProblem(`Job ${namespace}/${name} of k6 did not end within ${seconds} s`)
    }
    if (this.#code !== undefined && !problem) return 'all'
    const found = await this.#cluster.k8s.find('v1/Pod', pod, namespace)
    if (!found && this.#stopped) return 'all'
    if (!found)
      throw new LoadProblem(
        `Pod ${namespace}/${pod} of k6 was deleted while it sent load: its node was drained, or somebody deleted it`,
      )
    this.#code = exitCodeOf(found)
    if (this.#code === undefined) await new Promise((resolve) => setTimeout(resolve, REOPEN_AFTER_MS))
    return 'more'
  }
}
