import type { KubernetesObject } from '../core/object.ts'
import { valueOr } from './fact.ts'
import { componentWorkloads, gatewayWorkloads, stackGateways } from './stack-workloads.ts'
import type { Survey } from './survey.ts'

/**
 * The namespaces of the stack's own parts: istiods, the gateways that Knative uses, what makes their load balancers,
 * Knative and cert-manager. What happens in any other namespace is a tenant's. Parts that could not be looked at add
 * none.
 */
export function stackNamespaces(survey: Survey): ReadonlySet<string> {
  const alone = [valueOr(survey.knative, undefined), valueOr(survey.certManager, undefined)]
  return new Set([
    ...[...componentWorkloads(survey), ...gatewayWorkloads(survey)].map(({ namespace }) => namespace),
    ...valueOr(survey.istiods, []).map(({ rootNamespace }) => rootNamespace),
    ...stackGateways(survey).map(({ service }) => service.namespace),
    ...alone.flatMap((part) => part?.namespace ?? []),
  ])
}

/** Whether an object is one of the stack's: of no namespace, or of one of the stack's own. */
export const isOfStack = (namespaces: ReadonlySet<string>, { metadata }: KubernetesObject): boolean =>
  metadata?.namespace === undefined || namespaces.has(metadata.namespace)
