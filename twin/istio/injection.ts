import type { Webhook } from '../api/admission.ts'
import type { KubeObject } from '../api/object.ts'

/** The name of the proxy's container. */
export const PROXY = 'istio-proxy'

export const hasSidecar = (pod: KubeObject | undefined): boolean =>
  pod?.metadata.annotations?.['sidecar.istio.io/status'] !== undefined

/** istiod's webhook for pods: adds the proxy, unless the pod itself says no. The namespace is chosen by the webhook's own selector. */
export const injection =
  (version: string): Webhook =>
  (path, { object, operation, resource, subresource }) => {
    if (!path.startsWith('/inject') || resource.id !== 'pods' || operation !== 'CREATE' || subresource) return
    const { annotations = {}, labels = {} } = object.metadata
    if ((labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject']) === 'false') return
    const proxy = {
      name: PROXY,
      image: `docker.io/istio/proxyv2:${version}`,
      args: ['proxy', 'sidecar'],
      ports: [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
      readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 1, failureThreshold: 4 },
      resources: { requests: { cpu: '10m', memory: '64Mi' } },
    }
    return {
      ...object,
      metadata: {
        ...object.metadata,
        annotations: { ...annotations, 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' },
      },
      spec: { ...object.spec, containers: [proxy, ...(object.spec.containers as object[])] },
    }
  }
