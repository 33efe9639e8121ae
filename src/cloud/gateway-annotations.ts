import type { KubernetesObject } from '../core/object.ts'
import type { LoadBalancer } from '../survey/survey.ts'

const PREFIX = 'service.beta.kubernetes.io/'

/** What a Service's annotations request of the AWS load balancer's maker. */
export interface RequestedNlb {
  scheme: 'internal' | 'internet-facing'
  crossZone: boolean
  /** Annotations that the maker ignores, each with the reason. */
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

/** Those that EKS Auto Mode does not read, most for an attribute (EKS User Guide, auto-configure-nlb). */
const NOT_READ_BY_AUTO_MODE = new Set(
  `type internal proxy-protocol cross-zone-load-balancing-enabled access-log-enabled access-log-s3-bucket-name
  access-log-s3-bucket-prefix`.split(/\s+/),
)
const READ_BY_AUTO_MODE = new Set([...READ_BY_CONTROLLER].filter((name) => !NOT_READ_BY_AUTO_MODE.has(name)))

/**
 * Reads a Service as the maker of its load balancer does; undefined for a maker that reads no annotations of AWS.
 */
export function requestedNlb(
  service: KubernetesObject,
  balancer: Pick<LoadBalancer, 'maker' | 'class'>,
): RequestedNlb | undefined {
  const annotations = Object.fromEntries(
    Object.entries(service.metadata?.annotations ?? {}).flatMap(([key, value]) => {
      const name = new RegExp(`^${PREFIX}aws-load-balancer-(.+)$`).exec(key)?.[1]
      return name ? [[name, value]] : []
    }),
  )
  switch (balancer.maker) {
    case 'aws-lbc':
      return requestedOfController(annotations, balancer.class !== undefined)
    case 'eks-auto':
      return requestedOfAutoMode(annotations)
    case 'ccm':
      return requestedInTree(annotations)
    default:
      return undefined
  }
}

/**
 * pkg/service/model_build_load_balancer.go: scheme wins over internal, and cross-zone-load-balancing-enabled over the
 * attribute; the default is internal.
 */
function requestedOfController(annotations: Record<string, string>, byClass: boolean): RequestedNlb {
  const attributes = attributesIn(annotations)
  const internal = annotations.internal === undefined ? undefined : annotations.internal === 'true'
  const scheme = annotations.scheme ?? (internal === false ? 'internet-facing' : 'internal')
  const crossZone = annotations['cross-zone-load-balancing-enabled'] ?? attributes[CROSS_ZONE]
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

/** Only the scheme and the attributes are read; the default is internal. */
const requestedOfAutoMode = (annotations: Record<string, string>): RequestedNlb => ({
  scheme: annotations.scheme === 'internet-facing' ? 'internet-facing' : 'internal',
  crossZone: attributesIn(annotations)[CROSS_ZONE] === 'true',
  ignored: unknownKeys(annotations, READ_BY_AUTO_MODE),
})

const CROSS_ZONE = 'load_balancing.cross_zone.enabled'

const attributesIn = ({ attributes = '' }: Record<string, string>): Record<string, string | undefined> =>
  Object.fromEntries(
    attributes.split(',').map((pair) => pair.split('=').map((part) => part.trim()) as [string, string]),
  )

/** cloud-provider-aws: any value of internal but "" and "false" is internal; internet-facing by default. */
function requestedInTree(annotations: Record<string, string>): RequestedNlb {
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
