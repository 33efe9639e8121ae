import type { KubernetesObject } from '../core/object.ts'
import { selectedByService } from '../kube/selector.ts'
import { valueOr } from './fact.ts'
import type { Gateway, Survey, Workload } from './survey.ts'

/** The gateways that are parts of the stack; whose the others are nobody knows. */
const OWN_ROLES: readonly Gateway['role'][] = ['certified', 'external', 'local']

/** The gateways that Knative uses. */
export const stackGateways = (survey: Survey): Gateway[] =>
  valueOr(survey.gateways, []).filter(({ role }) => OWN_ROLES.includes(role))

/** What makes the pods of the gateways that Knative uses. */
export const gatewayWorkloads = (survey: Survey): Workload[] =>
  stackGateways(survey).flatMap(({ workloads }) => workloads)

/**
 * What makes the pods of the stack's other parts: istiods, what makes the gateways' load balancers, Knative,
 * cert-manager. Parts that could not be looked at add none.
 */
export function componentWorkloads(survey: Survey): Workload[] {
  const ambient = valueOr(survey.ambient, undefined)
  const balancers = stackGateways(survey).flatMap(({ balancer }) => valueOr(balancer, undefined) ?? [])
  const parts: readonly (Workload | undefined)[] = [
    ...valueOr(survey.istiods, []).map(({ workload }) => workload),
    ...balancers.flatMap(({ controller, speakers }) => [controller, speakers]),
    ...[ambient?.ztunnel, ambient?.cni],
    ...Object.values(valueOr(survey.knative, undefined)?.components ?? {}),
    ...Object.values(valueOr(survey.certManager, undefined)?.components ?? {}),
  ]
  return parts.filter((part) => part !== undefined)
}

/** Whether a pod is one of those that a workload makes. */
export const makesPod = ({ namespace, selector }: Workload, { metadata }: KubernetesObject): boolean =>
  metadata?.namespace === namespace && selectedByService(selector, metadata.labels ?? {})
