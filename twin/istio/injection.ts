import type { AdmissionRequest } from '../api/admission.ts'
import type { KubeObject } from '../api/object.ts'

/** The name of the proxy's container. */
export const PROXY = 'istio-proxy'

export const hasSidecar = (pod: KubeObject | undefined): boolean =>
  pod?.metadata.annotations?.['sidecar.istio.io/status'] !== undefined

/**
 * Adds the proxy to a pod that is created, unless the pod itself refuses it. The webhook's own selector chooses the
 * namespaces.
 * @returns the pod with the proxy; undefined where nothing is added
 */
export function injectProxy(
  version: string,
  { object, operation, resource, subresource }: AdmissionRequest,
): KubeObject | undefined {
  if (resource.id !== 'pods' || operation !== 'CREATE' || subresource) return undefined
  const { annotations = {}, labels = {} } = object.metadata
  if ((labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject']) === 'false') return undefined
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
