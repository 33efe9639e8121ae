import { loadCatalogue } from '../check/catalogue.ts'
import type { Check } from '../check/check.ts'
import type { CheckRecord } from '../core/record.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { inLane } from '../run/lane.ts'
import { startTwin, useTwinPrograms } from '../targets/twin.ts'
import type { Sabotage } from './sabotage.ts'
import { tryOut, type Trial } from './trial.ts'

// A twin does within a second what a cluster may take a minute for; a check that must fail waits for its deadline.
const TWIN_DEADLINE_FACTOR = 0.5

export interface MatrixRequest {
  config: StackConfig
  sabotages: Sabotage[]
  /** How many twins are sabotaged side by side; a cluster is one. */
  lanes: number
}

/**
 * Tries sabotages out: on one cluster one after the other; on twins side by side, each lane with a twin of its own.
 * Those that take long begin first. `tell` hears each trial as it ends.
 */
export async function runMatrix(
  request: MatrixRequest,
  tell: (trial: Trial) => void,
  abort: AbortSignal,
): Promise<Trial[]> {
  const { config } = request
  const catalogue = await loadCatalogue()
  const slowFirst = request.sabotages.toSorted((a, b) => Number(isSlow(b, catalogue)) - Number(isSlow(a, catalogue)))
  const trials: Trial[] = []
  const isTwin = config.target === 'twin'
  if (isTwin) useTwinPrograms()
  const factor = config.deadlines.factor * (isTwin ? TWIN_DEADLINE_FACTOR : 1)
  // On twins those of AWS have a lane of their own, on a twin that has AWS; a cluster has it or has it not.
  const forAws = isTwin ? slowFirst.filter(isOfAws) : []
  const forAny = slowFirst.filter((each) => !forAws.includes(each))
  const lane = async (queue: Sabotage[], cloud: 'metallb' | 'aws' = 'metallb'): Promise<void> => {
    if (queue.length === 0) return
    const twin = isTwin ? await startTwin({ ...config, twin: { cloud } }) : undefined
    try {
      await inLane({ ...(twin?.config ?? config), deadlines: { factor } }, async (run) => {
        const healthy = new Map<string, CheckRecord>()
        for (let each = queue.shift(); each && !abort.aborted; each = queue.shift()) {
          const trial = await tryOut(each, run, catalogue, healthy, abort)
          trials.push(trial)
          tell(trial)
        }
      })
    } finally {
      await twin?.stop()
    }
  }
  const lanes = isTwin ? Math.max(1, request.lanes - (forAws.length ? 1 : 0)) : 1
  await Promise.all([lane(forAws, 'aws'), ...Array.from({ length: lanes }, () => lane(forAny))])
  const order = new Map(request.sabotages.map(({ id }, at) => [id, at]))
  return trials.toSorted((a, b) => (order.get(a.sabotage) ?? 0) - (order.get(b.sabotage) ?? 0))
}

const isOfAws = ({ requires }: Sabotage): boolean => Boolean(requires?.some((each) => each === 'nlb' || each === 'eks'))

const isSlow = ({ fails }: Sabotage, catalogue: readonly Check[]): boolean =>
  catalogue.some(({ id, within }) => fails.includes(id) && within !== undefined)
