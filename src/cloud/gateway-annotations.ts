import type { KubernetesObject } from '../core/object.ts'

const PREFIX = 'service.beta.kubernetes.io/'
const CLASS = 'service.k8s.aws/nlb'
const IN_TREE_FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'

/** Who owns a Service's load balancer, and what the Service's annotations request of that owner. */
export interface RequestedNlb {
  owner: 'AWS Load Balancer Controller' | 'in-tree cloud provider' | 'nobody'
  /** What shows the owner. */
  by: string
  scheme: 'internal' | 'internet-facing'
  crossZone: boolean
  /** Annotations that the owner ignores, each with the reason. */
  ignored: string[]
}

/**
 * The annotations that the AWS Load Balancer Controller reads, without 'aws-load-balancer-': v3.5.0,
 * pkg/annotations/constants.go.
 */
const READ_BY_CONTROLLER = new Set(
  `type nlb-target-type name scheme internal proxy-protocol proxy-protocol-per-target-group ip-address-type
  access-log-enabled
  access-log-s3-bucket-name access-log-s3-bucket-prefix cross-zone-load-balancing-enabled ssl-cert ssl-ports
  ssl-negotiation-policy
  backend-protocol additional-resource-tags healthcheck-healthy-threshold healthcheck-unhealthy-threshold
  healthcheck-timeout
  healthcheck-interval healthcheck-protocol healthcheck-port healthcheck-path healthcheck-success-codes
  target-group-attributes subnets
  eip-allocations private-ipv4-addresses ipv6-addresses alpn-policy target-node-labels attributes security-groups
  manage-backend-security-group-rules inbound-sg-rules-on-private-link-traffic security-group-prefix-lists
  multi-cluster-target-group
  enable-prefix-for-ipv6-source-nat source-nat-ipv6-prefixes minimum-load-balancer-capacity
  enable-icmp-for-path-mtu-discovery
  enable-tcp-udp-listener disable-nlb-sg quic-enabled-ports`.split(/\s+/),
)

/** Those that the in-tree provider and cloud-controller-manager read: cloud-provider-aws, pkg/providers/v1/aws.go. */
const READ_IN_TREE = new Set(
  `type internal proxy-protocol access-log-emit-interval access-log-enabled access-log-s3-bucket-name
  access-log-s3-bucket-prefix
  connection-draining-enabled connection-draining-timeout connection-idle-timeout cross-zone-load-balancing-enabled
  extra-security-groups
  security-groups ssl-cert ssl-ports ssl-negotiation-policy backend-protocol additional-resource-tags
  healthcheck-healthy-threshold
  healthcheck-unhealthy-threshold healthcheck-timeout healthcheck-interval healthcheck-protocol healthcheck-port
  healthcheck-path
  eip-allocations target-node-labels target-group-attributes subnets`.split(/\s+/),
)

type Request = Omit<RequestedNlb, 'owner' | 'by'>

/** Reads a Service of type LoadBalancer as its owner does. */
export function requestedNlb(service: KubernetesObject): RequestedNlb {
  const annotations = Object.fromEntries(
    Object.entries(service.metadata?.annotations ?? {}).flatMap(([key, value]) => {
      const name = new RegExp(`^${PREFIX}aws-load-balancer-(.+)$`).exec(key)?.[1]
      return name ? [[name, value]] : []
    }),
  )
  const owner = ownerOf(service, annotations.type)
  return owner.owner === 'in-tree cloud provider'
    ? { ...owner, ...requestedInTree(annotations) }
    : { ...owner, ...requestedOfController(annotations, service.spec?.loadBalancerClass === CLASS) }
}

function ownerOf({ metadata, spec }: KubernetesObject, type: string | undefined): Pick<RequestedNlb, 'owner' | 'by'> {
  const finalizers = metadata?.finalizers ?? []
  const controller = 'AWS Load Balancer Controller'
  if (finalizers.includes('service.k8s.aws/resources'))
    return { owner: controller, by: 'the finalizer service.k8s.aws/resources' }
  if (spec?.loadBalancerClass === CLASS) return { owner: controller, by: `loadBalancerClass ${CLASS}` }
  if (spec?.loadBalancerClass) return { owner: 'nobody', by: `loadBalancerClass ${spec.loadBalancerClass}` }
  if (type === 'external' || type === 'nlb-ip')
    return { owner: controller, by: `the annotation aws-load-balancer-type: ${type}` }
  // The in-tree provider puts its finalizer on every Service that it made a load balancer for.
  if (finalizers.includes(IN_TREE_FINALIZER) || type === 'nlb')
    return {
      owner: 'in-tree cloud provider',
      by: type ? `the annotation aws-load-balancer-type: ${type}` : `the finalizer ${IN_TREE_FINALIZER}`,
    }
  return { owner: 'nobody', by: 'neither a loadBalancerClass nor the annotation aws-load-balancer-type' }
}

/**
 * pkg/service/model_build_load_balancer.go: scheme wins over internal, and cross-zone-load-balancing-enabled over the
 * attribute; the default is internal.
 */
function requestedOfController(annotations: Record<string, string>, byClass: boolean): Request {
  const attributes = Object.fromEntries(
    (annotations.attributes ?? '')
      .split(',')
      .map((pair) => pair.split('=').map((part) => part.trim()) as [string, string]),
  )
  const internal = annotations.internal === undefined ? undefined : annotations.internal === 'true'
  const scheme = annotations.scheme ?? (internal === false ? 'internet-facing' : 'internal')
  const crossZone = annotations['cross-zone-load-balancing-enabled'] ?? attributes['load_balancing.cross_zone.enabled']
  return {
    scheme: scheme === 'internet-facing' ? scheme : 'internal',
    crossZone: crossZone === 'true',
    ignored: [
      ...unknownKeys(annotations, READ_BY_CONTROLLER),
      ...(annotations.type === 'nlb'
        ? [`aws-load-balancer-type: nlb (for the in-tree provider${byClass ? '; spec.loadBalancerClass wins' : ''})`]
        : []),
      ...(annotations.scheme && annotations.internal
        ? ['aws-load-balancer-internal (aws-load-balancer-scheme wins)']
        : []),
    ],
  }
}

/** cloud-provider-aws: any value of internal but "" and "false" is internal; internet-facing by default. */
function requestedInTree(annotations: Record<string, string>): Request {
  return {
    scheme: annotations.internal && annotations.internal !== 'false' ? 'internal' : 'internet-facing',
    crossZone: annotations['cross-zone-load-balancing-enabled'] === 'true',
    ignored: unknownKeys(annotations, READ_IN_TREE),
  }
}

const unknownKeys = (annotations: Record<string, string>, known: ReadonlySet<string>): string[] =>
  Object.keys(annotations)
    .filter((name) => !known.has(name) && !name.startsWith('listener-attributes'))
    .map((name) => `aws-load-balancer-${name} (unknown to the owner)`)
