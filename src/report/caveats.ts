import type { Report } from './report-schema.ts'

/** What must stand beside a verdict wherever it is shown. */
export const caveatsOf = (report: Pick<Report, 'target' | 'scope' | 'interrupted' | 'died'>): string[] => [
  ...(report.target === 'twin'
    ? ['The target was a twin, a stand-in on loopback: this certifies the checks, not a cluster.']
    : []),
  ...(report.scope === 'selection'
    ? ['Only a selection of the checks ran: this is no certificate of the whole stack.']
    : []),
  ...(report.died ? [`The run was cut short: ${report.died}.`] : report.interrupted ? ['The run was cut short.'] : []),
]
