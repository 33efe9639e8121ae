import type { AdmissionRequest } from '../api/admission.ts'
import type { KubeObject } from '../api/object.ts'
import type { IstiodLayout } from '../stack/layout.ts'
import { AS_JSON } from './agent-line.ts'

/** The name of the proxy's container. */
export const PROXY = 'istio-proxy'

export const hasSidecar = (pod: KubeObject | undefined): boolean =>
  pod?.metadata.annotations?.['sidecar.istio.io/status'] !== undefined && !isGatewayPod(pod)

/** Whether a pod is filled in as a gateway: its proxy is all that it has. */
const isGatewayPod = ({ metadata: { annotations } }: KubeObject): boolean =>
  annotations?.['inject.istio.io/templates']?.split(',').includes('gateway') ?? false

const GATEWAY_PROBE = {
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 15, failureThreshold: 30 },
}

/**
 * Adds the proxy to a pod that is created, unless the pod itself refuses it. The webhook's own selector chooses the
 * namespaces.
 * @returns the pod with the proxy; undefined where nothing is added
 */
export function injectProxy(
  version: string,
  { revision: given, jsonLogs }: IstiodLayout,
  { object, operation, resource, subresource }: AdmissionRequest,
): KubeObject | undefined {
  if (resource.id !== 'pods' || operation !== 'CREATE' || subresource) return undefined
  const { annotations = {}, labels = {} } = object.metadata
  if ((labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject']) === 'false') return undefined
  const revision = given || 'default'
  const more = jsonLogs ? [AS_JSON] : []
  const image = `docker.io/istio/proxyv2:${version}`
  const injected = {
    ...object.metadata,
    annotations: {
      ...annotations,
      'sidecar.istio.io/status': JSON.stringify({ containers: [PROXY], revision }),
      'istio.io/rev': revision,
    },
  }
  if (isGatewayPod(object)) {
    const containers = ((object.spec.containers ?? []) as KubeObject['spec'][]).map((each) =>
      each.name === PROXY ? { ...each, image, args: ['proxy', 'router', ...more], ...GATEWAY_PROBE } : each,
    )
    return { ...object, metadata: injected, spec: { ...object.spec, containers } }
  }
  const proxy = {
    name: PROXY,
    image,
    args: ['proxy', 'sidecar', ...more],
    ports: [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
    readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 1, failureThreshold: 4 },
    resources: { requests: { cpu: '10m', memory: '64Mi' } },
  }
  return {
    ...object,
    metadata: injected,
    spec: { ...object.spec, containers: [proxy, ...(object.spec.containers as object[])] },
  }
}
