import { relative } from 'node:path'
import { newRunId, runFolder } from '../config/run-info.ts'
import { UsageProblem } from '../core/problem.ts'
import { loadShapes, type Shape } from '../shapes/shape.ts'
import { isAllQuiet, tellShapes, trialLines, type ShapesReport } from '../shapes/shapes-report.ts'
import { writeShapes } from '../shapes/shapes-file.ts'
import { tryShapes } from '../shapes/try-shapes.ts'
import { kindContext } from '../targets/kind.ts'
import { cutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The flags of `plumbline shapes`. */
export interface ShapesFlags extends StackFlags {
  list?: boolean
  lanes?: number
  charts?: string
  whole?: boolean
}

/** plumbline shapes: gives 0 where no check complains of a stack that is healthy, else 1. */
export async function shapes(flags: ShapesFlags): Promise<number> {
  const all = await loadShapes()
  if (flags.list) {
    for (const { id, healthy } of all) console.log(`${id.padEnd(26)} ${healthy}`)
    return 0
  }
  const chosen = choose(all, flags.only)
  const cut = cutShort(flags.timeLimit, console.log)
  try {
    const report = await runShapes(chosen, flags, (line) => console.log(line), cut.signal)
    console.log('')
    for (const line of tellShapes(report)) console.log(line)
    console.log(`report: ${relative(process.cwd(), runFolder(report.run)) || '.'}/shapes.html`)
    return isAllQuiet(report) && !cut.signal.aborted ? 0 : 1
  } finally {
    cut.release()
  }
}

/**
 * Tries the chosen shapes on the target, and writes what they came to.
 * @throws UsageProblem for a target that is somebody's
 */
export async function runShapes(
  chosen: readonly Shape[],
  flags: ShapesFlags,
  tell: (line: string) => void,
  abort: AbortSignal,
): Promise<ShapesReport> {
  const started = performance.now()
  const config = readStack(flags)
  const { target } = config
  if (target !== 'twin' && target !== 'kind')
    throw new UsageProblem(`Shapes change the whole stack: the target is ${target}, expected twin or kind.`)
  const skipped = chosen.flatMap(({ id, onKind }) =>
    target === 'kind' && 'cannot' in onKind ? [{ shape: id, why: onKind.cannot }] : [],
  )
  const trials = await tryShapes(
    {
      configFor: ({ stack }) => readStack(flags, stack),
      shapes: chosen.filter(({ id }) => !skipped.some((each) => each.shape === id)),
      lanes: target === 'twin' ? (flags.lanes ?? 4) : 1,
      whole: flags.whole ?? false,
      charts: flags.charts ?? process.env.PLUMBLINE_CHARTS,
    },
    (trial) => trialLines(trial).forEach(tell),
    abort,
  )
  const report: ShapesReport = {
    ...{ run: newRunId(), target, context: target === 'kind' ? kindContext(config) : 'twin' },
    ...{ endedAt: new Date().toISOString(), seconds: (performance.now() - started) / 1000, trials, skipped },
  }
  writeShapes(report)
  return report
}

/** The shapes that `only` names; all where it is not given. */
function choose(all: readonly Shape[], only: readonly string[] | undefined): readonly Shape[] {
  const stranger = only?.find((name) => !all.some(({ id }) => id === name))
  if (stranger !== undefined)
    throw new UsageProblem(`"${stranger}" is not a shape. The shapes are ${all.map(({ id }) => id).join(', ')}.`)
  return only ? all.filter(({ id }) => only.includes(id)) : all
}
