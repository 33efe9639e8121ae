import { Controller } from '../api/controller.ts'
import { isReadyPod, ownerReference, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels } from '../api/selectors.ts'

const SLICES = 'endpointslices.discovery.k8s.io'

/** One address that a port of a Service leads to. */
export interface Endpoint {
  address: string
  port: number
  pod: KubeObject | undefined
}

interface ServicePort {
  name?: string
  port: number
  protocol?: string
  targetPort?: number | string
}

/**
 * Keeps Endpoints and EndpointSlices: of the Ready pods that a Service selects, or of what somebody else wrote into its
 * Endpoints.
 */
export function runServices(objects: Objects): void {
  const endpoints = new Controller('endpoints', (name, namespace) => reconcileEndpoints(objects, name, namespace))
  endpoints.watch(objects, 'services')
  objects.store.listen('pods', ({ object, previous }) => {
    for (const service of objects.list('services', object.metadata.namespace)) {
      const selector = service.spec?.selector
      if (hasLabels(selector, object.metadata.labels) || hasLabels(selector, previous?.metadata.labels))
        endpoints.enqueue(service.metadata.name, service.metadata.namespace)
    }
  })
  new Controller('endpointslices', (name, namespace) => reconcileSlice(objects, name, namespace)).watch(
    objects,
    'endpoints',
  )
}

function targetPortOf(port: ServicePort, pod: KubeObject): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target
  const ports = ((pod.spec.containers ?? []) as KubeObject[]).flatMap(
    (each) => (each.ports ?? []) as { name?: string; containerPort: number }[],
  )
  return ports.find((each) => each.name === target)?.containerPort
}

function reconcileEndpoints(objects: Objects, name: string, namespace: string | undefined): void {
  const service = objects.get('services', name, namespace)
  if (!service) {
    if (objects.get('endpoints', name, namespace)) objects.delete('endpoints', name, namespace)
    return
  }
  if (!Object.keys(service.spec.selector ?? {}).length) return
  const pods = objects
    .list('pods', namespace)
    .filter((pod) => hasLabels(service.spec.selector, pod.metadata.labels) && pod.status?.podIP)
  const serving = pods.filter((pod) => !pod.metadata.deletionTimestamp)
  const address = (pod: KubeObject) => ({
    ip: pod.status.podIP as string,
    nodeName: pod.spec.nodeName as string,
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
  })
  const [ready, other] = [serving.filter(isReadyPod), serving.filter((pod) => !isReadyPod(pod))]
  const ports = ((service.spec.ports ?? []) as ServicePort[]).map((port) => ({
    ...(port.name ? { name: port.name } : {}),
    port: pods.map((pod) => targetPortOf(port, pod)).find((found) => found !== undefined) ?? port.port,
    protocol: port.protocol ?? 'TCP',
  }))
  objects.ensure('endpoints', {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: service.metadata.labels ?? {},
      ownerReferences: [ownerReference(service)],
    },
    subsets: serving.length
      ? [
          {
            ...(ready.length ? { addresses: ready.map(address) } : {}),
            ...(other.length ? { notReadyAddresses: other.map(address) } : {}),
            ports,
          },
        ]
      : [],
  })
}

function reconcileSlice(objects: Objects, name: string, namespace: string | undefined): void {
  const endpoints = objects.get('endpoints', name, namespace)
  if (!endpoints) return
  interface Subset {
    addresses?: Address[]
    notReadyAddresses?: Address[]
    ports?: object[]
  }
  interface Address {
    ip: string
    nodeName?: string
    targetRef?: object
  }
  const subsets = (endpoints.subsets ?? []) as Subset[]
  const endpoint =
    (ready: boolean) =>
    ({ ip, nodeName, targetRef }: Address) => ({
      addresses: [ip],
      conditions: { ready, serving: ready, terminating: false },
      ...(nodeName ? { nodeName } : {}),
      ...(targetRef ? { targetRef } : {}),
    })
  objects.ensure(SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-slice`,
      ...(namespace ? { namespace } : {}),
      labels: { ...endpoints.metadata.labels, 'kubernetes.io/service-name': name },
      ownerReferences: [ownerReference(endpoints)],
    },
    addressType: 'IPv4',
    endpoints: subsets.flatMap((subset) => [
      ...(subset.addresses ?? []).map(endpoint(true)),
      ...(subset.notReadyAddresses ?? []).map(endpoint(false)),
    ]),
    ports: subsets[0]?.ports ?? [],
  })
}

/** Where a port of a Service leads now: its Ready endpoints. An ExternalName is followed. */
export function endpointsOf(objects: Objects, name: string, namespace: string, port: number): Endpoint[] {
  const service = objects.get('services', name, namespace)
  if (!service) return []
  if (service.spec.type === 'ExternalName') {
    const [other = '', space = ''] = String(service.spec.externalName).split('.')
    return endpointsOf(objects, other, space, port)
  }
  const servicePort = ((service.spec.ports ?? []) as ServicePort[]).find((each) => each.port === port)
  if (!servicePort) return []
  const endpoints = objects.get('endpoints', name, namespace)
  const subsets = (endpoints?.subsets ?? []) as {
    addresses?: { ip: string; targetRef?: { name: string; namespace: string } }[]
    ports?: { name?: string; port: number }[]
  }[]
  return subsets.flatMap(({ addresses = [], ports = [] }) => {
    const target = ports.find((each) => (each.name ?? '') === (servicePort.name ?? ''))?.port
    if (target === undefined) return []
    return addresses.map(({ ip, targetRef }) => ({
      address: ip,
      port: target,
      pod: targetRef ? objects.get('pods', targetRef.name, targetRef.namespace) : undefined,
    }))
  })
}
