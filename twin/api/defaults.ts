import type { KubeObject } from './object.ts'

/** Hands out the cluster's own addresses: ClusterIPs and node ports. */
export class ServiceAddresses {
  #next = 10
  #nextNodePort = 30_080

  clusterIp(): string {
    this.#next++
    return `10.96.${this.#next >> 8}.${this.#next & 255}`
  }

  nodePort(): number {
    return this.#nextNodePort++
  }
}

interface Port {
  port: number
  protocol?: string
  targetPort?: number | string
  nodePort?: number
}

// Pod specs are passed through; only the fields that get a default are looked at.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = Record<string, any>

const podSpecDefaults = (spec: Json): Json => ({
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  ...spec,
  containers: ((spec.containers ?? []) as Json[]).map((container) => ({
    imagePullPolicy: /:latest$|^[^:]+$/.test(String(container.image)) ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...container,
    ...(container.ports ? { ports: (container.ports as Port[]).map((port) => ({ protocol: 'TCP', ...port })) } : {}),
  })),
})

/** What the API server fills in of a built-in kind before it stores an object. */
export function withDefaults(
  resource: string,
  object: KubeObject,
  before: KubeObject | undefined,
  addresses: ServiceAddresses,
): KubeObject {
  const { spec } = object
  if (resource === 'pods') {
    return {
      ...object,
      spec: podSpecDefaults(spec),
      ...(before ? {} : { status: { phase: 'Pending', qosClass: 'Burstable', ...object.status } }),
    }
  }
  if (resource === 'deployments.apps') {
    return {
      ...object,
      spec: {
        replicas: 1,
        progressDeadlineSeconds: 600,
        revisionHistoryLimit: 10,
        ...spec,
        strategy: {
          type: 'RollingUpdate',
          ...(spec.strategy?.type === 'Recreate'
            ? {}
            : { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%', ...spec.strategy?.rollingUpdate } }),
          ...(spec.strategy?.type ? { type: spec.strategy.type } : {}),
        },
        template: { ...spec.template, spec: podSpecDefaults(spec.template?.spec ?? {}) },
      },
    }
  }
  if (resource === 'secrets') {
    const { stringData = {}, ...rest } = object as KubeObject & { stringData?: Record<string, string> }
    const written = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
    return { type: 'Opaque', ...rest, data: { ...object.data, ...Object.fromEntries(written) } }
  }
  if (resource === 'replicasets.apps') return { ...object, spec: { replicas: 1, ...spec } }
  if (resource === 'services') return { ...object, spec: serviceSpec(spec, before?.spec, addresses) }
  if (resource === 'namespaces') {
    return {
      ...object,
      metadata: {
        ...object.metadata,
        labels: { 'kubernetes.io/metadata.name': object.metadata.name, ...object.metadata.labels },
      },
      spec: { finalizers: ['kubernetes'], ...spec },
      status: { phase: 'Active', ...object.status },
    }
  }
  return object
}

function serviceSpec(spec: KubeObject['spec'], before: KubeObject['spec'], addresses: ServiceAddresses): object {
  const type = spec.type ?? 'ClusterIP'
  const external = type === 'ExternalName'
  const headless = spec.clusterIP === 'None'
  const clusterIP = external
    ? undefined
    : headless
      ? 'None'
      : (spec.clusterIP ?? before?.clusterIP ?? addresses.clusterIp())
  const wantsNodePorts = type === 'LoadBalancer' || type === 'NodePort'
  const ports = ((spec.ports ?? []) as Port[]).map((port) => {
    const { nodePort, ...rest } = port
    const known = (before?.ports as Port[] | undefined)?.find((each) => each.port === port.port)?.nodePort
    return {
      protocol: 'TCP',
      targetPort: port.port,
      ...rest,
      ...(wantsNodePorts ? { nodePort: nodePort ?? known ?? addresses.nodePort() } : {}),
    }
  })
  const { clusterIP: _, clusterIPs: __, ...rest } = spec
  return {
    sessionAffinity: 'None',
    ...(external ? {} : { internalTrafficPolicy: 'Cluster', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }),
    ...(wantsNodePorts ? { externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true } : {}),
    ...rest,
    type,
    ...(clusterIP ? { clusterIP, clusterIPs: [clusterIP] } : {}),
    ...(ports.length ? { ports } : {}),
  }
}
