import type { Cluster } from '../cluster/cluster.ts'
import { courseWhile, type Course } from './course.ts'
import type { Knative, ReadyService } from './knative.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { Sample } from '../traffic/samples.ts'
import { scalingRules, type ScalingRules } from './scaling-rules.ts'
import { allowedPods, modeViolations, scaleViolations, type Allowed } from './wanted-pods.ts'
import type { Load, Script } from '../load/load.ts'
import { drawCourse } from '../load/picture.ts'

/** The parts of the stack that a load needs. */
export type LoadedStack = Cluster & { ingress: Ingress; knative: Knative; load: Load }

/**
 * The result of a load on a revision: its samples, what the autoscaler did, and what the formulas allow at every
 * moment.
 */
export interface LoadedRevision {
  samples: Sample[]
  crossed: string[]
  course: Course
  rules: ScalingRules
  allowed: Allowed[]
  /** When the first and the last request were due, in milliseconds since the recording began. */
  first: number
  last: number
}

/**
 * Runs a script of load/ on a revision while its scaling is recorded, and attaches the picture. Unless `cold` is set,
 * the load begins only once a pod answers.
 * @throws LoadProblem if k6 died or could not keep its rate
 */
export async function loadRevision(
  { stack, attach }: { stack: LoadedStack; attach: (name: string, text: string) => void },
  service: ReadyService,
  script: Script,
  parameters: Record<string, string | number>,
  { cold = false }: { cold?: boolean } = {},
): Promise<LoadedRevision> {
  const rules = await scalingRules(stack, service)
  const { host } = service
  const { course, result } = await stack.load.inTurn(async () => {
    if (!cold) await stack.ingress.until({ host, within: 'coldRequest' }, ({ status }) => status === 200)
    return courseWhile(stack, service, (began) => stack.load.run(script, { host, parameters }, began))
  })
  const { samples, crossed } = result
  const [first, last] = [samples[0]?.due ?? 0, samples.at(-1)?.due ?? 0]
  const stairs = [
    { name: 'pods wanted', steps: course.desired },
    { name: 'pods Ready', steps: course.ready },
    { name: 'endpoints', steps: course.endpoints },
  ]
  attach(
    'course.svg',
    await drawCourse({ title: `load/${script}.ts on ${service.name}`, samples, stairs, mode: course.mode }),
  )
  return {
    samples,
    crossed,
    course,
    rules,
    allowed: allowedPods(rules, samples, course.ready, { holdMs: Number(parameters.HOLD_MS ?? 0), until: last }),
    first,
    last,
  }
}

/**
 * A sentence for each moment of the load at which the autoscaler asked for a number of pods that the formulas do not
 * allow.
 */
export const scaleViolationsOf = ({ allowed, course, first, last }: LoadedRevision): string[] =>
  // Until the autoscaler has seen the load, the scale from before it may stand.
  scaleViolations(allowed, course.desired, { from: first + 4500, to: last })

/**
 * A sentence for each moment of the load at which the spare burst capacity does not allow the ServerlessService's mode.
 */
export const modeViolationsOf = ({ allowed, course, first, last }: LoadedRevision): string[] =>
  modeViolations(allowed, course.mode, { from: first + 4500, to: last })

/** What the formulas allow at a moment. */
export const allowedAt = ({ allowed }: LoadedRevision, moment: number): Allowed =>
  allowed.findLast(({ at }) => at <= moment)!
