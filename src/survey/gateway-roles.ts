import type { KubernetesObject } from '../core/object.ts'
import { UsageProblem } from '../core/problem.ts'
import { selectedByService } from '../kube/selector.ts'
import type { KnativeGateways } from './config-istio.ts'
import type { Gateway, KnativeGateway, Labels, Ref } from './survey.ts'

/** What decides what a gateway is for. */
export interface Candidate {
  service: Ref & { type: string }
  /** The labels of its pods' templates. */
  podLabels: Labels[]
  /** What its Service's status has for addresses. */
  addresses: string[]
}

/** What names gateways: stack.yaml, config-istio, and the Gateway objects that it names. */
export interface Naming {
  override: { namespace?: string | undefined; service?: string | undefined }
  knative?: { gateways: KnativeGateways; by: string } | undefined
  objects: readonly KubernetesObject[]
}

export interface Roles {
  /** By namespace/name of the Service. */
  roles: Map<string, Gateway['role']>
  /** What chose the certified one, and which others there were. */
  by: string
}

const nameOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`

/**
 * Which gateway carries our requests, and what the others are for. It is the one of stack.yaml; else of those whose
 * pods the default external Gateway of config-istio selects the one whose Service config-istio names, or else one with
 * an address; without Knative one with an address.
 * @throws UsageProblem for a Service in stack.yaml that is no gateway's
 */
export function gatewayRoles(candidates: readonly Candidate[], naming: Naming): Roles {
  const chosen = certifiedOf(candidates, naming)
  const roles = new Map(
    candidates.map((candidate) => [
      nameOf(candidate.service),
      candidate === chosen.candidate ? ('certified' as const) : roleOf(candidate, naming),
    ]),
  )
  return { roles, by: chosen.by }
}

function certifiedOf(candidates: readonly Candidate[], naming: Naming): { candidate?: Candidate; by: string } {
  const { override, knative, objects } = naming
  if (override.service) {
    const wanted = `${override.namespace ?? ''}/${override.service}`
    const candidate = candidates.find(
      ({ service }) =>
        service.name === override.service && (!override.namespace || service.namespace === override.namespace),
    )
    if (!candidate) {
      const found = candidates.map(({ service }) => nameOf(service)).join(', ') || 'no gateway'
      throw new UsageProblem(`stack.yaml gateway: Service ${wanted} does not exist; found: ${found}`)
    }
    return { candidate, by: 'stack.yaml: gateway' }
  }
  const entry = knative?.gateways.external.find(({ labelSelector }) => !labelSelector)
  if (!knative || !entry) {
    const choice = best(candidates.filter(hasAddress))
    return { ...choice, by: `status.loadBalancer of its Service${choice.others}` }
  }
  const selected = candidates.filter((each) => selects(objects, entry, each))
  const named = (selected.length ? selected : candidates).find(({ service }) => isSame(service, entry.service))
  if (named) return { candidate: named, by: `${knative.by}: service of the default external gateway` }
  const choice = best(selected.filter(isExternal).toSorted((a, b) => b.addresses.length - a.addresses.length))
  if (choice.candidate)
    return { ...choice, by: `${knative.by}: Gateway ${nameOf(entry)} selects its pods${choice.others}` }
  const any = best(candidates.filter(hasAddress))
  return { ...any, by: `status.loadBalancer of its Service; ${knative.by} names no other gateway${any.others}` }
}

/** The first of several, and a sentence about the others with the key that chooses. */
function best(candidates: readonly Candidate[]): { candidate?: Candidate; others: string } {
  const [first, ...rest] = candidates
  const others = rest.length
    ? `; so might ${rest.map(({ service }) => nameOf(service)).join(', ')}: gateway in stack.yaml chooses`
    : ''
  return first ? { candidate: first, others } : { others }
}

function roleOf(candidate: Candidate, { knative, objects }: Naming): Gateway['role'] {
  const { service, podLabels } = candidate
  const { external = [], local = [] } = knative?.gateways ?? {}
  if (local.some((entry) => isSame(entry.service, service))) return 'local'
  const isNamed = external.some((entry) => isSame(entry.service, service))
  const carries = isExternal(candidate) && external.some((entry) => selects(objects, entry, candidate))
  if (isNamed || carries) return 'external'
  if (
    !isExternal(candidate) &&
    podLabels.some((labels) => Object.values(labels).some((value) => /egress/i.test(value)))
  )
    return 'egress'
  return 'other'
}

const isSame = (a: Ref, b: Ref): boolean => nameOf(a) === nameOf(b)

const hasAddress = ({ addresses }: Candidate): boolean => addresses.length > 0

/** Whether something outside of the cluster may come in by its Service. */
const isExternal = (candidate: Candidate): boolean => hasAddress(candidate) || candidate.service.type !== 'ClusterIP'

/** Whether the Gateway object that config-istio names selects a gateway's pods: it selects those of all namespaces. */
function selects(objects: readonly KubernetesObject[], entry: KnativeGateway, { podLabels }: Candidate): boolean {
  const object = objects.find(({ metadata }) => metadata?.namespace === entry.namespace && metadata.name === entry.name)
  const selector = object?.spec?.selector as Record<string, string> | undefined
  return podLabels.some((labels) => selectedByService(selector, { ...labels }))
}
