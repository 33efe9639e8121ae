import type { KubernetesObject } from '../src/core/object.ts'

interface Denied {
  hosts?: string[]
  ports?: string[]
}

/** An AuthorizationPolicy by which the gateway answers 403, but not to net-istio's probes: Routes become Ready. */
export const denying = (name: string, operation: Denied): KubernetesObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'istio-system' },
  spec: {
    selector: { matchLabels: { istio: 'ingressgateway' } },
    action: 'DENY',
    rules: [{ to: [{ operation }], when: [{ key: 'request.headers[k-network-probe]', notValues: ['*'] }] }],
  },
})
