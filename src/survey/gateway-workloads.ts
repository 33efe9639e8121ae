import type { KubernetesObject } from '../core/object.ts'
import { selectedByService } from '../kube/selector.ts'
import { isGateway } from './gateway-template.ts'
import type { Readings } from './readings.ts'
import type { GatewayPort } from './survey.ts'

const WORKLOADS = ['apps/v1/Deployment', 'apps/v1/DaemonSet', 'apps/v1/StatefulSet', 'argoproj.io/v1alpha1/Rollout']

/** A Service with the workloads whose pods are gateways behind it. */
export interface GatewayService {
  service: KubernetesObject
  workloads: KubernetesObject[]
}

const templateOf = ({ spec }: KubernetesObject): KubernetesObject => (spec?.template ?? {}) as KubernetesObject

/**
 * Every Service in front of gateway pods: those that select the pods of a workload which makes gateways, whether any
 * runs or not, and those without a selector whose EndpointSlices name such pods.
 */
export async function gatewayServices(readings: Readings): Promise<GatewayService[]> {
  const [services, slices, ...workloads] = await Promise.all([
    readings.list('v1/Service'),
    readings.list('discovery.k8s.io/v1/EndpointSlice').catch(() => [] as KubernetesObject[]),
    ...WORKLOADS.map((kind) => readings.list(kind)),
  ])
  const gateways = workloads.flat().filter((workload) => isGateway(templateOf(workload)))
  return services.flatMap((service) => {
    const behind = gateways.filter(
      (workload) =>
        workload.metadata?.namespace === service.metadata?.namespace &&
        (isSelected(service, workload) || isEndpoint(service, workload, slices)),
    )
    return behind.length ? [{ service, workloads: behind }] : []
  })
}

const isSelected = ({ spec }: KubernetesObject, workload: KubernetesObject): boolean =>
  selectedByService(spec?.selector as Record<string, string> | undefined, templateOf(workload).metadata?.labels ?? {})

interface Endpoint {
  targetRef?: { kind?: string; name?: string }
}

/** Whether a pod of a workload is an endpoint of a Service that has no selector. */
function isEndpoint({ metadata, spec }: KubernetesObject, workload: KubernetesObject, slices: KubernetesObject[]) {
  if (spec?.selector) return false
  return slices
    .filter(
      (slice) =>
        slice.metadata?.namespace === metadata?.namespace &&
        slice.metadata?.labels?.['kubernetes.io/service-name'] === metadata?.name,
    )
    .flatMap(({ endpoints }) => (endpoints ?? []) as Endpoint[])
    .some(({ targetRef }) => targetRef?.kind === 'Pod' && targetRef.name?.startsWith(`${workload.metadata?.name}-`))
}

interface ServicePort {
  name?: string
  port: number
  targetPort?: number | string
  nodePort?: number
}

/** The ports of a Service, each with the port of the pod that it leads to. */
export function gatewayPorts({ service, workloads }: GatewayService): GatewayPort[] {
  const named = new Map(
    workloads
      .flatMap((workload) => (templateOf(workload).spec?.containers ?? []) as KubernetesObject[])
      .flatMap(({ ports }) => (ports ?? []) as { name?: string; containerPort: number }[])
      .flatMap(({ name, containerPort }) => (name ? [[name, containerPort] as const] : [])),
  )
  return ((service.spec?.ports ?? []) as ServicePort[]).map(({ name, port, targetPort, nodePort }) => ({
    ...(name ? { name } : {}),
    port,
    target: typeof targetPort === 'string' ? (named.get(targetPort) ?? port) : (targetPort ?? port),
    ...(nodePort ? { nodePort } : {}),
  }))
}
