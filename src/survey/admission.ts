import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt, plainMessage, StackFailure } from '../core/problem.ts'
import { ApiRefusal } from '../kube/errors.ts'
import { objectName } from '../kube/object-id.ts'
import { changedFields } from './admission-changes.ts'
import { namespaceSample, samples } from './admission-samples.ts'
import { labelsOfDiscovery } from './discovery-labels.ts'
import { found, lookFor, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'
import type { Admission, Istiod, Platform } from './survey.ts'
import { counted } from '../core/counted.ts'

/** Where samples are created, and what our namespaces carry. */
export interface AdmissionOptions {
  /** A namespace of ours where there is one; what is refused in `default` may be another matter. */
  namespace?: string
  istiod: Promise<Istiod | undefined>
  platform: Promise<Platform>
}

/** What the API server, its webhooks and policies would do to what we make: by dry runs, which store nothing. */
export const readAdmission = (readings: Readings, options: AdmissionOptions): Promise<Fact<Admission>> =>
  lookFor('admission', async () => {
    const namespaceLabels = labelsOfDiscovery((await options.istiod)?.discoverySelectors ?? [])
    const { labels, namespaceLabels: ofNamespaces } = readings.config.ours
    const { namespace = 'default' } = options
    const { served } = await options.platform
    const tried = [
      namespaceSample({ ...labels, ...ofNamespaces, ...namespaceLabels }),
      ...samples({ namespace, config: readings.config, labels, served }),
    ]
    const admission: Admission = { namespaceLabels, refused: [], changed: [], unknown: [] }
    const answers = await Promise.all(tried.map((sample) => tryOut(readings, sample)))
    answers.forEach((answer, at) => note(admission, tried[at]!, answer))
    return found(admission, `dry runs of ${counted(tried.length, 'object')}, in namespace ${namespace}`)
  })

type Answer = { made: KubernetesObject } | { refused: string } | { unknown: string } | undefined

async function tryOut(readings: Readings, sample: KubernetesObject): Promise<Answer> {
  try {
    return { made: await readings.looking(() => readings.k8s.dryCreate(structuredClone(sample))) }
  } catch (problem) {
    // A kind that is not served is none that we could make.
    if (problem instanceof StackFailure) return undefined
    if (problem instanceof NotLookedAt) return { unknown: `${kindOf(sample)}: ${problem.message}` }
    if (!(problem instanceof ApiRefusal)) return { unknown: `${kindOf(sample)}: ${plainMessage(problem)}` }
    const message = (problem.status.message ?? problem.message).replace(/\s*\n\s*/g, ' ')
    // AlreadyExists: somebody has the name, which says nothing about what admission does.
    if (problem.status.reason === 'AlreadyExists') return undefined
    const isUnknown =
      /does not support dry run|looking up service account|failed calling webhook|failed to call webhook/.test(message)
    return isUnknown ? { unknown: message } : { refused: message }
  }
}

const kindOf = ({ kind }: KubernetesObject): string => kind ?? 'object'

function note(admission: Admission, sample: KubernetesObject, answer: Answer): void {
  const what = sample.apiVersion?.startsWith('serving.knative.dev/') ? 'Knative Service' : kindOf(sample)
  if (!answer) return
  if ('unknown' in answer) admission.unknown.push(answer.unknown)
  else if ('refused' in answer)
    admission.refused.push({ what, by: refuserOf(answer.refused), why: withoutName(answer.refused, sample) })
  else admission.changed.push(...changedFields(sample, answer.made).map((field) => ({ what, field })))
}

/** Who refused, in the words of the refusal. */
function refuserOf(message: string): string {
  const patterns: readonly (readonly [RegExp, (name: string) => string])[] = [
    [/admission webhook "([^"]+)"/, (name) => `webhook ${name}`],
    [/violates PodSecurity "([^"]+)"/, (name) => `PodSecurity ${name}`],
    [/ValidatingAdmissionPolicy '([^']+)'/, (name) => `ValidatingAdmissionPolicy ${name}`],
    [/exceeded quota: ([^,]+)/, (name) => `ResourceQuota ${name}`],
    [/failed quota: ([^:,]+)/, (name) => `ResourceQuota ${name}`],
  ]
  for (const [pattern, named] of patterns) {
    const [, name] = pattern.exec(message) ?? []
    if (name) return named(name)
  }
  return 'the API server'
}

const withoutName = (message: string, sample: KubernetesObject): string =>
  message.replace(`creating ${objectName(sample)}: `, '').slice(0, 500)
