/** A line of a controller's log with when it was written, by the kubelet's clock, in milliseconds. */
export interface ControllerLine {
  at: number
  text: string
}

/** What the log of a load balancer controller says of one Service. */
export interface ControllerLog {
  /** When it last reconciled the Service's load balancer well. */
  reconciledAt?: number
  /** Lines that refuse the controller a right and that count: see `refusalsThatCount`. */
  refused: string[]
}

/** How a controller logs that it is done with a Service; where it does so after a failed try too, what comes before. */
export interface LoggedOutcomes {
  /** The container that logs it. */
  container: string
  done: RegExp
  failed?: RegExp
}

const REFUSED = /AccessDenied|UnauthorizedOperation|not authorized to perform|is forbidden: User/

/** A refusal so many minutes ago counts whatever was reconciled since: it may be another Service's turn to fail. */
export const REFUSALS_COUNT_MINUTES = 10

/** The lines of a log that the API server gave with timestamps, oldest first. */
export function timedLines(logs: readonly string[]): ControllerLine[] {
  const lines = logs
    .flatMap((log) => log.split('\n'))
    .flatMap((line) => {
      const space = line.indexOf(' ')
      const at = Date.parse(line.slice(0, space))
      return Number.isNaN(at) ? [] : [{ at, text: line.slice(space + 1) }]
    })
  return lines.toSorted((a, b) => a.at - b.at)
}

/**
 * Reads a controller's log: when it last reconciled the load balancer of `service` (NAMESPACE/NAME) well, which an
 * event may tell too (`toldAt`), and which refusals of rights count. One that lies before the last good try is over,
 * unless it is younger than REFUSALS_COUNT_MINUTES.
 */
export function readControllerLog(
  lines: readonly ControllerLine[],
  service: string,
  { done, failed }: Pick<LoggedOutcomes, 'done' | 'failed'>,
  { now, toldAt }: { now: number; toldAt?: number | undefined },
): ControllerLog {
  const isOfService = new RegExp(`(^|[^\\w/.-])${service.replaceAll('.', '\\.')}([^\\w.-]|$)`)
  let hasFailed = false
  let reconciledAt = toldAt
  for (const { at, text } of lines) {
    if (!isOfService.test(text)) continue
    if (failed?.test(text)) hasFailed = true
    else if (done.test(text)) {
      if (!hasFailed) reconciledAt = Math.max(at, reconciledAt ?? 0)
      hasFailed = false
    }
  }
  const since = Math.min(reconciledAt ?? -Infinity, now - REFUSALS_COUNT_MINUTES * 60_000)
  return {
    ...(reconciledAt === undefined ? {} : { reconciledAt }),
    refused: lines.filter(({ at, text }) => at > since && REFUSED.test(text)).map(({ text }) => text),
  }
}
