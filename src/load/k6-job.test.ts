import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { runAsJob, type JobCluster } from './k6-job.ts'
import { LoadRun } from './load-run.ts'

const JOB = { namespace: 'plumb-load-1', name: 'steady-1', script: 'steady' }
/** How much the clock of the pod's node is ahead of ours. */
const AHEAD = 3_600_000

let nanos = 0
const stamped = (text: string) => `2026-01-01T00:00:00.${String(++nanos).padStart(9, '0')}Z ${text}`
const sample = (ago = 0) => {
  const data = { time: new Date(Date.now() + AHEAD - ago).toISOString(), value: 10, tags: { status: '200' } }
  return stamped(JSON.stringify({ metric: 'first_byte', type: 'Point', data }))
}
const podOf = (exitCode?: number): KubernetesObject => ({
  kind: 'Pod',
  metadata: { name: 'steady-1-x' },
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'k6', state: exitCode === undefined ? { running: {} } : { terminated: { exitCode } } }],
  },
})

interface Course {
  /** The streams of its log, each with what it gives; 'CUT' ends one in the middle. */
  streams: string[][]
  /** What the pod is each time that it is read. */
  pods: (KubernetesObject | undefined)[]
  clock?: () => Promise<{ now: number }>
}

/** A cluster in which one Job takes a course, and what was done to it. */
function clusterOf({ streams, pods, clock = () => Promise.resolve({ now: Date.now() + AHEAD }) }: Course) {
  const deleted: string[] = []
  const opened: (string | undefined)[] = []
  const applied: Record<string, unknown>[] = []
  const ended = Promise.withResolvers<void>()
  const cluster = {
    config: { load: { image: 'k6:1' } },
    apply: () => Promise.resolve([]),
    applyFixture: (_: string, values: Record<string, unknown>) => Promise.resolve(void applied.push(values)),
    until: () => Promise.resolve([podOf()]),
    k8s: {
      find: () => Promise.resolve(pods.length > 1 ? pods.shift() : pods[0]),
      delete: ({ name }: { name: string }) => Promise.resolve(void deleted.push(name)).then(ended.resolve),
      async *followLog(_: unknown, { since }: { since?: string }, stop: AbortSignal) {
        opened.push(since)
        for (const line of streams.shift() ?? []) {
          if (line === 'CUT') throw new Error('terminated')
          if (line === 'UNTIL DELETED') await ended.promise
          else if (line === 'FOR EVER') await new Promise((_, reject) => stop.addEventListener('abort', reject))
          else yield line
        }
      },
    },
  }
  const agent = {
    fixtureValues: () => Promise.resolve({ agentProgram: '""', agentToken: 't' }),
    askPod: <T>() => clock() as Promise<T>,
  }
  const start = (parts: Partial<JobCluster> = {}) =>
    runAsJob({ ...cluster, ...parts } as unknown as JobCluster, agent, JOB, { URL: 'http://x/' })
  return { start, deleted, opened, applied }
}

afterEach(() => setDeadlineFactor(1))

describe('k6 as a Job', () => {
  test('its samples are put on the clock of this machine, with the error that this may have', async () => {
    const began = performance.now()
    const { start } = clusterOf({ streams: [[], [sample(0), sample(-500)]], pods: [podOf(0)] })
    const run = new LoadRun('steady', await start(), began)
    const { samples } = await run.ended()
    expect(samples).toHaveLength(2)
    expect(Math.abs(samples[0]!.due)).toBeLessThan(run.clock.errorMs + 1000)
    expect(samples[1]!.due - samples[0]!.due).toBeCloseTo(500, -2)
    expect(run.clock.errorMs).toBeLessThan(30_000)
  })

  test('a log that is cut is read on, each sample once', async () => {
    const lines = Array.from({ length: 9 }, () => sample())
    const streams = [[...lines.slice(0, 4), 'CUT'], lines.slice(0, 7), lines]
    const { start, opened } = clusterOf({ streams, pods: [podOf(), podOf(0)] })
    const { samples } = await new LoadRun('steady', await start()).ended()
    expect(samples).toHaveLength(9)
    expect(opened).toEqual([undefined, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'])
  })

  test('ends by itself, and the log is read after its end once more', async () => {
    const { start, applied, opened } = clusterOf({ streams: [[sample()], [sample()]], pods: [podOf(0)] })
    await new LoadRun('steady', await start()).ended()
    expect(applied[0]).toMatchObject({ seconds: 660, agentToken: 't' })
    expect(opened).toHaveLength(2)
  })

  test('stopped early its Job is deleted, once, and what it writes until then is read', async () => {
    const streams = [[sample(), 'UNTIL DELETED', sample()], []]
    const { start, deleted } = clusterOf({ streams, pods: [undefined] })
    const run = new LoadRun('background', await start())
    const [first, second] = await Promise.all([run.end(), run.end()])
    expect(first).toBe(second)
    expect(deleted).toEqual(['steady-1'])
  })

  test('one that does not end after that is left, with what it wrote', async () => {
    const { start } = clusterOf({ streams: [[sample(), sample(), 'FOR EVER']], pods: [podOf()] })
    const run = new LoadRun('background', await start())
    setDeadlineFactor(0.02)
    expect((await run.end()).samples.length).toBeGreaterThan(0)
  })

  test('its own message is in the failure where it ends with an error', async () => {
    const said = stamped('level=error msg="URL is not set"')
    const { start } = clusterOf({ streams: [[said], [said]], pods: [podOf(107)] })
    await expect(new LoadRun('steady', await start()).ended()).rejects.toMatchObject({
      name: 'LoadProblem',
      message: expect.stringContaining('with exit code 107: level=error msg="URL is not set"') as string,
    })
  })
})

describe('what makes a Job of k6 an error of the harness', () => {
  test('a pod that does not start', async () => {
    const { start } = clusterOf({ streams: [], pods: [] })
    const until = () => Promise.reject(new StackFailure('ImagePullBackOff'))
    await expect(start({ until })).rejects.toMatchObject({
      name: 'LoadProblem',
      message: 'Job plumb-load-1/steady-1 of k6 did not start: ImagePullBackOff',
    })
  })

  test('a clock that cannot be read', async () => {
    const clock = () => Promise.reject(new Error('connection refused'))
    const { start } = clusterOf({ streams: [], pods: [podOf()], clock })
    await expect(start()).rejects.toThrow(/clock of Pod plumb-load-1\/steady-1-x could not be read.*connection refused/)
  })

  test('a pod that somebody deleted', async () => {
    const { start } = clusterOf({ streams: [[sample()]], pods: [undefined] })
    await expect(new LoadRun('steady', await start()).ended()).rejects.toThrow(
      /Pod plumb-load-1\/steady-1-x of k6 was deleted while it sent load/,
    )
  })
})
