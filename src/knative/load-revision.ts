import type { Cluster } from '../cluster/cluster.ts'
import { courseWhile, type Course } from './course.ts'
import type { Knative, ReadyService } from './knative.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { Sample } from '../traffic/samples.ts'
import { scalingRules, type ScalingRules } from './scaling-rules.ts'
import { allowedPods, modesOutsideOf, outsideOf, type Allowed } from './wanted-pods.ts'
import type { Load, Script } from '../load/load.ts'
import { drawCourse } from '../load/picture.ts'

/** The parts of the stack that a load takes. */
type LoadedStack = Cluster & { ingress: Ingress; knative: Knative; load: Load }

/** What a load on a revision came to: its samples, what the autoscaler did, and what the formulas allow at every moment. */
export interface LoadedRevision {
  samples: Sample[]
  crossed: string[]
  course: Course
  rules: ScalingRules
  allowed: Allowed[]
  /** Milliseconds from the beginning of the course to the first request, and to the last. */
  first: number
  last: number
}

/**
 * Runs a script of load/ on a revision while all that the autoscaler moves is watched, and attaches the picture.
 * A revision that is not to be `cold` has a pod that answers when the load begins.
 * @throws LoadProblem where k6 died or could not keep its rate
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
    { name: 'pods wanted', steps: course.wanted },
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

/** A sentence for each moment of the load at which other pods were wanted than the formulas allow. */
export const wantedOutside = ({ allowed, course, first, last }: LoadedRevision): string[] =>
  // Until the autoscaler has seen the load at all, what stood before it may stand.
  outsideOf(allowed, course.wanted, { from: first + 4500, to: last })

/** A sentence for each moment of the load at which the ServerlessService was in a mode that the spare burst capacity does not allow. */
export const modesOutside = ({ allowed, course, first, last }: LoadedRevision): string[] =>
  modesOutsideOf(allowed, course.mode, { from: first + 4500, to: last })

/** What the formulas allow at a moment. */
export const allowedAt = ({ allowed }: LoadedRevision, moment: number): Allowed =>
  allowed.findLast(({ at }) => at <= moment)!
