import type { Maker } from '../config/load-balancer-makers.ts'
import type { KubernetesObject } from '../core/object.ts'

/** What tells who makes a Service's load balancer. */
export interface MakerEvidence {
  service: KubernetesObject
  /** TargetGroupBindings of either group. */
  bindings: readonly KubernetesObject[]
  /** Events about the Service. */
  events: readonly KubernetesObject[]
  daemonSets: readonly KubernetesObject[]
  nodes: readonly KubernetesObject[]
  /** The controllers that are installed, and the class that each is told to take. */
  installed: readonly { maker: Maker; class?: string | undefined }[]
}

export interface MadeBy {
  maker: Maker
  by: string
}

const CLASSES: readonly (readonly [RegExp, Maker])[] = [
  [/^service\.k8s\.aws\/nlb$/, 'aws-lbc'],
  [/^eks\.amazonaws\.com\/nlb$/, 'eks-auto'],
  [/^kube-vip\.io\//, 'kube-vip'],
  [/^io\.cilium\//, 'cilium'],
]
const FINALIZERS: Readonly<Record<string, Maker>> = {
  'service.k8s.aws/resources': 'aws-lbc',
  'service.eks.amazonaws.com/resources': 'eks-auto',
}
const ANNOTATIONS: readonly (readonly [RegExp, Maker])[] = [
  [/^metallb\.(io|universe\.tf)\/ip-allocated-from-pool$/, 'metallb'],
  [/^kube-vip\.io\/(vipHost|hwaddr|loadbalancerIPs)$/, 'kube-vip'],
]
const CONDITION = /^(cilium\.io\/IPAMRequestSatisfied|io\.cilium\/lb-ipam-request-satisfied)$/
/** Components of events that are one maker's alone, by reason where other makers have a component of that name. */
const EVENTS: readonly (readonly [component: string, reason: RegExp, maker: Maker])[] = [
  ['metallb-controller', /./, 'metallb'],
  ['metallb-speaker', /./, 'metallb'],
  ['service', /Reconciled$|^Failed(BuildModel|DeployModel|AddFinalizer)$/, 'aws-lbc'],
  ['service-controller', /DaemonSet$/, 'servicelb'],
]
/** The in-tree provider's, and that of all who run its controller: it stays where another makes the load balancer. */
const IN_TREE = /load-balancer-cleanup$/

/**
 * Who makes the load balancer of a Service, by the first mark that only they leave: class, finalizer, annotation or
 * condition, a TargetGroupBinding, the youngest event, and last the in-tree finalizer with an address.
 */
export function makerOf(evidence: MakerEvidence): MadeBy {
  for (const look of [byClass, byFinalizer, byAnnotation, byDaemonSet, byRequest, byBinding, byEvent, byInTree]) {
    const made = look(evidence)
    if (made) return made
  }
  const { service, installed } = evidence
  const { type } = service.spec as { type?: string }
  if (type !== 'LoadBalancer') return { maker: 'none', by: `spec.type is ${type ?? 'ClusterIP'}` }
  if (hasAddress(service)) return { maker: 'other', by: 'status.loadBalancer, and no mark of a maker that we know' }
  const [only, ...more] = installed.filter((each) => each.class === undefined)
  return only && more.length === 0 && !service.spec?.loadBalancerClass
    ? { maker: only.maker, by: 'it is the only controller of load balancers here' }
    : { maker: 'none', by: 'status.loadBalancer is empty' }
}

type Look = (evidence: MakerEvidence) => MadeBy | undefined

const byClass: Look = ({ service, installed }) => {
  const name = service.spec?.loadBalancerClass as string | undefined
  if (!name) return undefined
  const maker =
    CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? installed.find((each) => each.class === name)?.maker
  return { maker: maker ?? 'other', by: `spec.loadBalancerClass is ${name}` }
}

const byFinalizer: Look = ({ service }) => {
  for (const name of service.metadata?.finalizers ?? []) {
    const maker = FINALIZERS[name]
    if (maker) return { maker, by: `finalizer ${name}` }
  }
  return undefined
}

const byAnnotation: Look = ({ service }) => {
  for (const key of Object.keys(service.metadata?.annotations ?? {})) {
    const maker = ANNOTATIONS.find(([pattern]) => pattern.test(key))?.[1]
    if (maker) return { maker, by: `annotation ${key}` }
  }
  const condition = ((service.status?.conditions ?? []) as { type: string }[]).find(({ type }) => CONDITION.test(type))
  return condition && { maker: 'cilium', by: `condition ${condition.type}` }
}

const byDaemonSet: Look = ({ service, daemonSets }) => {
  const of = daemonSets.find(
    ({ metadata }) =>
      metadata?.labels?.['svccontroller.k3s.cattle.io/svcname'] === service.metadata?.name &&
      metadata?.labels?.['svccontroller.k3s.cattle.io/svcnamespace'] === service.metadata?.namespace,
  )
  return of && { maker: 'servicelb', by: `DaemonSet ${of.metadata?.namespace}/${of.metadata?.name}` }
}

/** The AWS Load Balancer Controller takes what this annotation asks of it, whatever the Service's type. */
const byRequest: Look = ({ service, installed }) => {
  const key = 'service.beta.kubernetes.io/aws-load-balancer-type'
  const type = service.metadata?.annotations?.[key] ?? ''
  const asks = ['external', 'nlb-ip'].includes(type) && installed.some(({ maker }) => maker === 'aws-lbc')
  return asks ? { maker: 'aws-lbc', by: `annotation ${key}: ${type}` } : undefined
}

const byBinding: Look = ({ service, bindings }) => {
  const binding = bindings.find(
    ({ metadata, spec }) =>
      metadata?.namespace === service.metadata?.namespace &&
      spec?.serviceRef?.name === service.metadata?.name &&
      !metadata?.labels?.['service.k8s.aws/stack-name'],
  )
  const { namespace, name } = binding?.metadata ?? {}
  return binding && { maker: 'tgb', by: `TargetGroupBinding ${namespace}/${name}: spec.serviceRef` }
}

const byEvent: Look = ({ events }) => {
  const time = ({ lastTimestamp, eventTime, metadata }: KubernetesObject) =>
    String(lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? '')
  for (const event of events.toSorted((a, b) => time(b).localeCompare(time(a)))) {
    const component = String(event.source?.component || event.reportingComponent || '')
    const maker = EVENTS.find(([name, reason]) => name === component && reason.test(String(event.reason)))?.[2]
    if (maker) return { maker, by: `event ${String(event.reason)} of ${component}` }
  }
  return undefined
}

const byInTree: Look = ({ service, nodes }) => {
  const finalizer = (service.metadata?.finalizers ?? []).find((name) => IN_TREE.test(name))
  if (!finalizer || !hasAddress(service)) return undefined
  const onKind = nodes.some(({ spec }) => String(spec?.providerID).startsWith('kind://'))
  return { maker: onKind ? 'kind' : 'ccm', by: `finalizer ${finalizer}, and status.loadBalancer has an address` }
}

/** The addresses in a Service's status: hostnames or IPs. */
export const addressesOf = ({ status }: KubernetesObject): string[] =>
  ((status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]).flatMap(
    ({ hostname, ip }) => hostname || ip || [],
  )

const hasAddress = (service: KubernetesObject): boolean => addressesOf(service).length > 0
