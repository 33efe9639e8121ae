import { staleWaivers } from './waivers.ts'
import type { Report } from './report-schema.ts'

/**
 * What must stand beside a verdict wherever it is shown. `quote` marks a text that is not ours, where the form needs
 * that.
 */
export function caveatsOf(
  report: Pick<Report, 'target' | 'scope' | 'interrupted' | 'died' | 'waivers'>,
  quote = (text: string) => text,
): string[] {
  return [
    ...(report.target === 'twin'
      ? ['The target was the twin, a simulated cluster on this machine: this run tests the checks, not a real cluster.']
      : []),
    ...(report.scope === 'selection'
      ? ['Only some of the checks ran: this is not a certificate of the complete stack.']
      : []),
    ...staleWaivers(report.waivers).map((text) => quote(text)),
    ...(report.died
      ? [`The run stopped early: ${quote(report.died)}.`]
      : report.interrupted
        ? ['The run stopped early: it was interrupted.']
        : []),
  ]
}
