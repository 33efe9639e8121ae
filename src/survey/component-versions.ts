import { valueOr } from './fact.ts'
import type { Survey } from './survey.ts'

/**
 * The versions of a stack's components, by the names that stack.yaml has for them. One that could not be found out, as
 * that of an image by digest, is not among them.
 */
export function componentVersions(survey: Survey): Record<string, string> {
  const istiods = valueOr(survey.istiods, [])
  const gateway = valueOr(survey.gateways, []).find(({ role }) => role === 'certified')
  const configuring = gateway && valueOr(gateway.istiod, undefined)
  const istiod = istiods.find(({ workload }) => `${workload.namespace}/${workload.name}` === configuring) ?? istiods[0]
  const knative = valueOr(survey.knative, undefined)
  const certManager = valueOr(survey.certManager, undefined)
  const balancer = gateway && valueOr(gateway.balancer, undefined)
  const ofBalancer = balancer && { metallb: 'metallb', 'aws-lbc': 'lb-controller' }[balancer.maker as string]
  const versions = {
    kubernetes: valueOr(survey.platform.kubernetes, undefined),
    istio: istiod && valueOr(istiod.version, undefined),
    knative: knative && valueOr(knative.version, undefined),
    'net-istio': knative?.components['net-istio-controller']?.version,
    'cert-manager': certManager && valueOr(certManager.version, undefined),
    ...(ofBalancer ? { [ofBalancer]: balancer?.controller?.version } : {}),
  }
  return Object.fromEntries(Object.entries(versions).filter((entry): entry is [string, string] => Boolean(entry[1])))
}
