import { deadline, inSeconds, type DeadlineName } from '../core/deadlines.ts'
import { pass } from '../core/pause.ts'
import { ClusterProblem, StackFailure } from '../core/problem.ts'
import { currentScope, waitingFor } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { alivePods } from '../kube/pods.ts'

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

/** What is waited for in logs: it is fed line by line, so that a line costs the same however many came before. */
export interface LogCondition {
  /** Takes a line. */
  take: (line: Line) => void
  /**
   * What is still missing, or undefined once nothing is; asked after every line, so it must not look at all of them.
   */
  missing: () => string | undefined
}

const REOPEN_AFTER_MS = 300
// Log lines of the second in which the waiting began count: the API takes whole seconds.
const MARGIN_SECONDS = 2

/** The condition that there is a line that `is` holds for; `found` gives the first. */
export function lineThat(is: (line: Line) => boolean): LogCondition & { found: () => Line | undefined } {
  let found: Line | undefined
  let lines = 0
  return {
    take: (line) => {
      lines++
      if (!found && is(line)) found = line
    },
    missing: () => (found ? undefined : `${lines} lines, none with it`),
    found: () => found,
  }
}

/**
 * Follows the logs of all pods of a label, from `since` (performance.now() of then) on, until nothing is missing any
 * more. How long ago that was is said in seconds, so that no clock has to agree with another. A stream that ends is
 * read on from where it ended.
 * @throws StackFailure at the deadline, with what was last missing and whose stream was cut off, or where there is no
 * pod; ClusterProblem where the API server gave no log of any pod
 */
export async function untilLogged(
  api: Kubernetes,
  whose: Logging,
  since: number,
  what: string,
  condition: LogCondition,
  within: DeadlineName,
): Promise<void> {
  const { items } = await api.list('v1/Pod', whose)
  const pods = alivePods(items).map(({ metadata }) => metadata?.name ?? '')
  if (pods.length === 0) throw new StackFailure(`There is no pod with the label ${whose.labels} in ${whose.namespace}.`)
  const ms = deadline(within)
  await waitingFor(what, ms, () => followAll(api, pods, whose, since, { what, condition, ms }))
}

async function followAll(
  api: Kubernetes,
  pods: readonly string[],
  whose: Logging,
  since: number,
  { what, condition, ms }: { what: string; condition: LogCondition; ms: number },
): Promise<void> {
  const scope = currentScope()
  const cut = new Map<string, string>()
  const read = new Set<string>()
  const over = new AbortController()
  using limit = timeLimit(ms, scope?.signal)
  limit.signal.addEventListener('abort', () => over.abort())
  const look = () => {
    if (condition.missing() === undefined) over.abort()
  }
  const readers = pods.map(async (pod) => {
    const log = new ReadOn()
    while (!over.signal.aborted) {
      log.beginAgain()
      const sinceSeconds = Math.ceil((performance.now() - since) / 1000) + MARGIN_SECONDS
      const source = {
        name: pod,
        namespace: whose.namespace,
        ...(whose.container ? { container: whose.container } : {}),
      }
      try {
        for await (const stamped of api.followLog(source, { sinceSeconds, timestamps: true }, over.signal)) {
          read.add(pod)
          const text = log.next(stamped)
          if (text === undefined) continue
          condition.take({ pod, text })
          look()
        }
        read.add(pod)
        cut.set(pod, 'the API server ended it')
      } catch (problem) {
        if (!over.signal.aborted) cut.set(pod, problem instanceof Error ? problem.message : String(problem))
      }
      await pass(REOPEN_AFTER_MS, over.signal).catch(() => undefined)
    }
  })
  look()
  await Promise.all(readers)
  const lacks = condition.missing()
  if (lacks === undefined) return
  if (scope?.signal.aborted) throw scope.signal.reason
  const streams = [...cut].map(([pod, why]) => `the log stream of ${pod} was cut off (${why})`)
  const problem = [`${what}: ${lacks}, after ${inSeconds(ms)} in the logs of ${pods.join(', ')}`, ...streams].join('; ')
  throw read.size === 0 && cut.size > 0 ? new ClusterProblem(problem, { transient: true }) : new StackFailure(problem)
}

/**
 * One container's log over several streams. The API gives lines from a whole second on, each with its time in
 * nanoseconds (timestamps=true, of fixed length); a stream that is opened again repeats lines that were read already,
 * in the same order.
 */
class ReadOn {
  #newest = ''
  /** How many lines of the newest time were read, and how many of those the present stream has repeated. */
  #read = 0
  #repeated = 0
  #catchesUp = false

  beginAgain(): void {
    this.#repeated = 0
    this.#catchesUp = true
  }

  /** The text of a line, or undefined where an earlier stream had it. */
  next(stamped: string): string | undefined {
    const space = stamped.indexOf(' ')
    const time = stamped.slice(0, space)
    if (this.#catchesUp && time < this.#newest) return undefined
    if (this.#catchesUp && time === this.#newest && ++this.#repeated <= this.#read) return undefined
    if (time > this.#newest) {
      this.#newest = time
      this.#read = 0
      this.#catchesUp = false
    }
    // stdout and stderr may be out of order by microseconds: a line is never left out for its time alone.
    if (time === this.#newest) this.#read++
    return stamped.slice(space + 1)
  }
}
