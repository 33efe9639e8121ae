import type { KubernetesObject } from '../core/object.ts'

const PREFIX = 'service.beta.kubernetes.io/'
const CLASS = 'service.k8s.aws/nlb'

/** Who makes a Service's load balancer, and what its annotations ask that one for. */
export interface AskedNlb {
  owner: 'AWS Load Balancer Controller' | 'in-tree cloud provider' | 'nobody'
  /** By what that is known. */
  by: string
  scheme: 'internal' | 'internet-facing'
  crossZone: boolean
  /** Annotations that the owner does not heed, each with why. */
  ignored: string[]
}

/**
 * What the AWS Load Balancer Controller reads of a Service: v3.5.0, pkg/annotations/constants.go. Given without 'aws-load-balancer-'.
 */
const READ_BY_CONTROLLER = new Set(
  `type nlb-target-type name scheme internal proxy-protocol proxy-protocol-per-target-group ip-address-type access-log-enabled
  access-log-s3-bucket-name access-log-s3-bucket-prefix cross-zone-load-balancing-enabled ssl-cert ssl-ports ssl-negotiation-policy
  backend-protocol additional-resource-tags healthcheck-healthy-threshold healthcheck-unhealthy-threshold healthcheck-timeout
  healthcheck-interval healthcheck-protocol healthcheck-port healthcheck-path healthcheck-success-codes target-group-attributes subnets
  eip-allocations private-ipv4-addresses ipv6-addresses alpn-policy target-node-labels attributes security-groups
  manage-backend-security-group-rules inbound-sg-rules-on-private-link-traffic security-group-prefix-lists multi-cluster-target-group
  enable-prefix-for-ipv6-source-nat source-nat-ipv6-prefixes minimum-load-balancer-capacity enable-icmp-for-path-mtu-discovery
  enable-tcp-udp-listener disable-nlb-sg quic-enabled-ports`.split(/\s+/),
)

/** What the in-tree provider (and AWS's cloud-controller-manager) reads of it: cloud-provider-aws, pkg/providers/v1/aws.go. */
const READ_IN_TREE = new Set(
  `type internal proxy-protocol access-log-emit-interval access-log-enabled access-log-s3-bucket-name access-log-s3-bucket-prefix
  connection-draining-enabled connection-draining-timeout connection-idle-timeout cross-zone-load-balancing-enabled extra-security-groups
  security-groups ssl-cert ssl-ports ssl-negotiation-policy backend-protocol additional-resource-tags healthcheck-healthy-threshold
  healthcheck-unhealthy-threshold healthcheck-timeout healthcheck-interval healthcheck-protocol healthcheck-port healthcheck-path
  eip-allocations target-node-labels target-group-attributes subnets`.split(/\s+/),
)

/** Reads a Service of type LoadBalancer as its owner does. */
export function askedNlb(service: KubernetesObject): AskedNlb {
  const annotations = service.metadata?.annotations ?? {}
  const given = Object.fromEntries(
    Object.entries(annotations).flatMap(([key, value]) => {
      const name = new RegExp(`^${PREFIX}aws-load-balancer-(.+)$`).exec(key)?.[1]
      return name ? [[name, value]] : []
    }),
  )
  const owned = ownerOf(service, given.type)
  return owned.owner === 'in-tree cloud provider'
    ? { ...owned, ...askedInTree(given) }
    : { ...owned, ...askedOfController(given, service.spec?.loadBalancerClass === CLASS) }
}

function ownerOf({ metadata, spec }: KubernetesObject, type: string | undefined): Pick<AskedNlb, 'owner' | 'by'> {
  const finalizers = metadata?.finalizers ?? []
  const controller = 'AWS Load Balancer Controller'
  if (finalizers.includes('service.k8s.aws/resources'))
    return { owner: controller, by: 'the finalizer service.k8s.aws/resources' }
  if (spec?.loadBalancerClass === CLASS) return { owner: controller, by: `loadBalancerClass ${CLASS}` }
  if (spec?.loadBalancerClass) return { owner: 'nobody', by: `loadBalancerClass ${spec.loadBalancerClass}` }
  if (type === 'external' || type === 'nlb-ip')
    return { owner: controller, by: `the annotation aws-load-balancer-type: ${type}` }
  // The in-tree provider puts its finalizer on every Service that it has given a load balancer.
  if (finalizers.includes('service.kubernetes.io/load-balancer-cleanup') || type === 'nlb')
    return {
      owner: 'in-tree cloud provider',
      by: type ? `the annotation aws-load-balancer-type: ${type}` : 'its finalizer',
    }
  return { owner: 'nobody', by: 'neither a loadBalancerClass nor the annotation aws-load-balancer-type' }
}

/** pkg/service/model_build_load_balancer.go: the scheme wins over internal, the key of its own over the attribute; internal by default. */
function askedOfController(given: Record<string, string>, byClass: boolean): Omit<AskedNlb, 'owner' | 'by'> {
  const attributes = Object.fromEntries(
    (given.attributes ?? '').split(',').map((pair) => pair.split('=').map((part) => part.trim()) as [string, string]),
  )
  const internal = given.internal === undefined ? undefined : given.internal === 'true'
  const scheme = given.scheme ?? (internal === false ? 'internet-facing' : 'internal')
  const crossZone = given['cross-zone-load-balancing-enabled'] ?? attributes['load_balancing.cross_zone.enabled']
  return {
    scheme: scheme === 'internet-facing' ? scheme : 'internal',
    crossZone: crossZone === 'true',
    ignored: [
      ...unread(given, READ_BY_CONTROLLER),
      ...(given.type === 'nlb'
        ? [
            `aws-load-balancer-type: nlb (it is for the in-tree provider${byClass ? '; the loadBalancerClass decides' : ''})`,
          ]
        : []),
      ...(given.scheme && given.internal ? ['aws-load-balancer-internal (aws-load-balancer-scheme wins)'] : []),
    ],
  }
}

/** cloud-provider-aws: any value of internal but "" and "false" is internal; internet-facing by default. */
function askedInTree(given: Record<string, string>): Omit<AskedNlb, 'owner' | 'by'> {
  return {
    scheme: given.internal && given.internal !== 'false' ? 'internal' : 'internet-facing',
    crossZone: given['cross-zone-load-balancing-enabled'] === 'true',
    ignored: unread(given, READ_IN_TREE),
  }
}

const unread = (given: Record<string, string>, known: ReadonlySet<string>): string[] =>
  Object.keys(given)
    .filter((name) => !known.has(name) && !name.startsWith('listener-attributes'))
    .map((name) => `aws-load-balancer-${name} (it reads no such key)`)
