import type { KubernetesObject } from '../core/object.ts'
import { valueOr } from './fact.ts'
import type { Gateway, Survey, Workload } from './survey.ts'

/** The gateways that are parts of the stack; whose the others are nobody knows. */
const OWN_ROLES: readonly Gateway['role'][] = ['certified', 'external', 'local']

/**
 * The namespaces of the stack's own parts: istiods, the gateways that Knative uses, what makes their load balancers,
 * Knative and cert-manager. What happens in any other namespace is a tenant's. Parts that could not be looked at add
 * none.
 */
export function stackNamespaces(survey: Survey): ReadonlySet<string> {
  const istiods = valueOr(survey.istiods, [])
  const gateways = valueOr(survey.gateways, []).filter(({ role }) => OWN_ROLES.includes(role))
  const ambient = valueOr(survey.ambient, undefined)
  const balancers = gateways.flatMap(({ balancer }) => valueOr(balancer, undefined) ?? [])
  const parts: readonly (Workload | undefined)[] = [
    ...istiods.map(({ workload }) => workload),
    ...gateways.flatMap(({ workloads }) => workloads),
    ...balancers.flatMap(({ controller, speakers }) => [controller, speakers]),
    ...[ambient?.ztunnel, ambient?.cni],
  ]
  const alone = [valueOr(survey.knative, undefined), valueOr(survey.certManager, undefined)]
  return new Set([
    ...parts.flatMap((part) => part?.namespace ?? []),
    ...istiods.map(({ rootNamespace }) => rootNamespace),
    ...gateways.map(({ service }) => service.namespace),
    ...alone.flatMap((part) => part?.namespace ?? []),
  ])
}

/** Whether an object is one of the stack's: of no namespace, or of one of the stack's own. */
export const isOfStack = (namespaces: ReadonlySet<string>, { metadata }: KubernetesObject): boolean =>
  metadata?.namespace === undefined || namespaces.has(metadata.namespace)
