import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import type { Kubernetes } from './kubernetes.ts'

/** One line of a container's log. */
export interface Line {
  pod: string
  text: string
}

/** Whose logs are read: one container of every pod of a label. */
export interface Logging {
  namespace: string
  labels: string
  container?: string
}

const REOPEN_AFTER_MS = 300
// Log lines of the second in which the waiting began count: the API takes whole seconds.
const MARGIN_SECONDS = 2

/**
 * Follows the logs of all pods of a label, from `since` (performance.now() of then) on, until `missing` gives undefined for the lines
 * so far, and gives them. How long ago that was is said in seconds, so that no clock has to agree with another. A stream that ends is
 * opened again and read anew.
 * @throws StackFailure at the deadline, with what was last missing and whose stream was cut off; or where there is no pod
 */
export async function untilLogged(
  api: Kubernetes,
  whose: Logging,
  since: number,
  what: string,
  missing: (lines: readonly Line[]) => string | undefined,
  within: DeadlineName,
): Promise<Line[]> {
  const { items: pods } = await api.list('v1/Pod', whose)
  const alive = pods.filter((pod) => !pod.metadata?.deletionTimestamp)
  if (alive.length === 0)
    throw new StackFailure(`There is no pod with the label ${whose.labels} in ${whose.namespace}.`)
  const ms = deadline(within)
  const scope = currentScope()
  const follow = () => followAll(api, alive, whose, since, what, missing, ms)
  return scope ? scope.waiting(what, ms, follow) : follow()
}

async function followAll(
  api: Kubernetes,
  pods: readonly KubernetesObject[],
  whose: Logging,
  since: number,
  what: string,
  missing: (lines: readonly Line[]) => string | undefined,
  ms: number,
): Promise<Line[]> {
  const scope = currentScope()
  const byPod = new Map<string, Line[]>()
  const cut = new Map<string, string>()
  const over = new AbortController()
  using limit = timeLimit(ms, scope?.signal)
  limit.signal.addEventListener('abort', () => over.abort())
  let lacks = missing([])
  const lines = () => [...byPod.values()].flat()
  const look = () => {
    lacks = missing(lines())
    if (lacks === undefined) over.abort()
  }
  const readers = pods.map(async ({ metadata }) => {
    const pod = metadata?.name ?? ''
    while (!over.signal.aborted) {
      const mine: Line[] = []
      byPod.set(pod, mine)
      const sinceSeconds = Math.ceil((performance.now() - since) / 1000) + MARGIN_SECONDS
      const container = whose.container ? { container: whose.container } : {}
      try {
        for await (const text of api.followLog(
          { name: pod, namespace: whose.namespace, ...container },
          sinceSeconds,
          over.signal,
        )) {
          mine.push({ pod, text })
          look()
        }
      } catch (problem) {
        if (!over.signal.aborted) cut.set(pod, problem instanceof Error ? problem.message : String(problem))
      }
      if (over.signal.aborted) return
      if (!cut.has(pod)) cut.set(pod, 'the API server ended it')
      await new Promise((resolve) => setTimeout(resolve, REOPEN_AFTER_MS))
    }
  })
  look()
  await Promise.all(readers)
  if (lacks === undefined) return lines()
  if (scope?.signal.aborted) throw scope.signal.reason
  const streams = [...cut].map(([pod, why]) => `the log stream of ${pod} was cut off (${why})`)
  throw new StackFailure(
    [
      `${what}: not met within ${ms / 1000} s in the logs of ${pods.map(({ metadata }) => metadata?.name).join(', ')}`,
      `last: ${lacks}`,
      ...streams,
    ].join('; '),
  )
}
