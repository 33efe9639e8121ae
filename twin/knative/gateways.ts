import { parse } from 'yaml'
import type { Objects } from '../api/objects.ts'
import { selects, type LabelSelector } from '../api/selectors.ts'
import { LOCAL_GATEWAY } from '../stack/knative-deployments.ts'
import { USUAL_LAYOUT } from '../stack/layout.ts'
import { readConfig } from './settings.ts'

/** A Gateway that config-istio names, with the host name of its Service. */
export interface KnativeGateway {
  namespace: string
  name: string
  service: string
  labelSelector?: LabelSelector
}

/**
 * The gateways of config-istio for an Ingress with these labels, in either form of the ConfigMap; the default where
 * neither is given. Those whose selector matches take the place of those without a selector.
 */
export function knativeGateways(
  objects: Objects,
  kind: 'external' | 'local',
  labels: Readonly<Record<string, string>> | undefined,
): KnativeGateway[] {
  const all = configured(objects, kind)
  const chosen = all.filter(({ labelSelector }) => labelSelector && selects(labelSelector, labels))
  return chosen.length ? chosen : all.filter(({ labelSelector }) => !labelSelector)
}

function configured(objects: Objects, kind: 'external' | 'local'): KnativeGateway[] {
  const { knative, clusterDomain } = objects.layout
  const config = readConfig(objects, 'config-istio')
  const list = config[`${kind}-gateways`]
  if (list?.trim()) return (parse(list) ?? []) as KnativeGateway[]
  const prefix = kind === 'external' ? 'gateway.' : 'local-gateway.'
  const old = Object.entries(config).filter(([key]) => key.startsWith(prefix))
  if (old.length) {
    return old.map(([key, service]) => {
      const [first = '', ...rest] = key.slice(prefix.length).split('.')
      return rest.length
        ? { namespace: first, name: rest.join('.'), service }
        : { namespace: knative.namespace, name: first, service }
    })
  }
  const usual = USUAL_LAYOUT.gateways[0]!
  const [name, service] =
    kind === 'external' ? ['knative-ingress-gateway', usual.name] : ['knative-local-gateway', LOCAL_GATEWAY]
  return [{ namespace: knative.namespace, name, service: `${service}.${usual.namespace}.svc.${clusterDomain}` }]
}
