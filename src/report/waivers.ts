import { isOver, tellMatch } from '../check/waivers.ts'
import type { Waiver } from '../config/waiver-schema.ts'
import type { CheckRecord } from '../core/record.ts'

/** What became of a waiver in a run. */
export const WAIVER_STATES = ['used', 'ended', 'matches nothing', 'not tried'] as const
export type WaiverState = (typeof WAIVER_STATES)[number]

export interface ReportedWaiver {
  check: string
  match: string
  because: string
  until: string
  state: WaiverState
}

/** The waivers of a stack file with what became of each in a run. */
export const reportWaivers = (
  waivers: readonly Waiver[],
  records: readonly Pick<CheckRecord, 'id' | 'outcome' | 'waived'>[],
  startedAt: Date,
): ReportedWaiver[] =>
  waivers.map((waiver, at) => ({
    ...{ check: waiver.check, match: tellMatch(waiver), because: waiver.because, until: waiver.until },
    state: isOver(waiver, startedAt)
      ? 'ended'
      : stateOf(
          at,
          records.find(({ id }) => id === waiver.check),
        ),
  }))

function stateOf(number: number, record: Pick<CheckRecord, 'outcome' | 'waived'> | undefined): WaiverState {
  if (record?.waived.some(({ waiver }) => waiver === number)) return 'used'
  const wasTried = record && ['pass', 'waived', 'fail'].includes(record.outcome)
  return wasTried ? 'matches nothing' : 'not tried'
}

/** A sentence for each waiver that no longer does what it was written for. */
export const staleWaivers = (waivers: readonly ReportedWaiver[]): string[] =>
  waivers.flatMap(({ check, until, state }, at) => {
    if (state === 'ended') return [`waive[${at}] ${check} ended on ${until}: its finding counts again.`]
    if (state === 'matches nothing') return [`waive[${at}] ${check} matches no finding any more: remove it.`]
    return []
  })
