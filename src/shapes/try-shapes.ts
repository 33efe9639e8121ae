import { loadCatalogue } from '../check/catalogue.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { inLane } from '../run/lane.ts'
import { startTwin, useTwinPrograms } from '../targets/twin.ts'
import { shapeChecks, tryShape, type ShapeTrial } from './shape-trial.ts'
import type { Shape } from './shape.ts'

// No check is expected to wait for its deadline: on a slow machine they are not to be what fails.
const TWIN_DEADLINE_FACTOR = 2

export interface ShapesRequest {
  /** The stack file as a shape has it: with what that lays over it. */
  configFor: (shape: Shape) => StackConfig
  shapes: Shape[]
  /** How many twins are tried side by side; a cluster is one. */
  lanes: number
  /** Every check, not only those of shapeChecks. */
  whole: boolean
  /** The folder of the Helm charts. */
  charts: string | undefined
}

/**
 * Tries shapes: on one cluster one after the other; on twins side by side, each on a twin of its own. `tell` hears each
 * trial as it ends.
 */
export async function tryShapes(
  request: ShapesRequest,
  tell: (trial: ShapeTrial) => void,
  abort: AbortSignal,
): Promise<ShapeTrial[]> {
  const queue = [...request.shapes]
  const trials: ShapeTrial[] = []
  const lane = async (): Promise<void> => {
    for (let shape = queue.shift(); shape && !abort.aborted; shape = queue.shift()) {
      const trial = await trialOf(shape, request, abort)
      trials.push(trial)
      tell(trial)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, request.lanes) }, lane))
  const order = new Map(request.shapes.map(({ id }, at) => [id, at]))
  return trials.toSorted((a, b) => (order.get(a.shape) ?? 0) - (order.get(b.shape) ?? 0))
}

async function trialOf(shape: Shape, request: ShapesRequest, abort: AbortSignal): Promise<ShapeTrial> {
  const catalogue = await loadCatalogue()
  const checks = request.whole ? catalogue : shapeChecks(catalogue, shape)
  // Somebody else's cluster: nothing of it is expected because Plumbline would have installed it so.
  const config = { ...request.configFor(shape), expect: { versions: {}, nlb: {} } }
  const isTwin = config.target === 'twin'
  if (isTwin) useTwinPrograms()
  const factor = config.deadlines.factor * (isTwin ? TWIN_DEADLINE_FACTOR : 1)
  const twin = isTwin ? await startTwin(config, { layout: shape.onTwin.layout }) : undefined
  const { onKind } = shape
  const make = isTwin ? shape.onTwin.make : 'make' in onKind ? onKind.make : undefined
  try {
    return await inLane({ ...(twin?.config ?? config), deadlines: { factor } }, (run) =>
      tryShape({ shape, make, run, checks, charts: request.charts, isLast: isTwin }, abort),
    )
  } finally {
    await twin?.stop()
  }
}
