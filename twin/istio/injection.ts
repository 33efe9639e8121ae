import type { AdmissionRequest } from '../api/admission-request.ts'
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

const RIGHTLESS = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 1337,
  runAsGroup: 1337,
}

/** What redirects the pod's traffic to its proxy; with istio-cni, what sees that this was done on the node. */
const initContainer = (image: string, hasCni: boolean): object => ({
  name: hasCni ? 'istio-validation' : 'istio-init',
  image,
  args: ['istio-iptables', '-p', '15001', '-z', '15006', '-u', '1337', ...(hasCni ? ['--run-validation'] : [])],
  resources: { requests: { cpu: '10m', memory: '40Mi' }, limits: { cpu: '2', memory: '1Gi' } },
  securityContext: hasCni
    ? RIGHTLESS
    : {
        allowPrivilegeEscalation: false,
        capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
        privileged: false,
        runAsNonRoot: false,
        runAsUser: 0,
      },
})

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
  hasCni: boolean,
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
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    securityContext: RIGHTLESS,
  }
  return {
    ...object,
    metadata: injected,
    spec: {
      ...object.spec,
      initContainers: [...((object.spec.initContainers ?? []) as object[]), initContainer(image, hasCni)],
      containers: [proxy, ...(object.spec.containers as object[])],
    },
  }
}
