import { REGION, ACCOUNT, CLUSTER, VPC } from './place.ts'
import { createHash } from 'node:crypto'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import { ADDRESSES } from '../load-balancer/aws-controller.ts'
import type { Network } from '../network.ts'
import type { AwsHooks, TargetHealth } from './hooks.ts'

/** A Pod Identity association, as EKS describes it. */
export interface PodIdentityAssociation {
  associationId: string
  namespace: string
  serviceAccount: string
  roleArn: string
  tags: Record<string, string>
}

/** A subnet, as EC2 describes it. */
interface Subnet {
  SubnetId: string
  AvailabilityZone: string
  VpcId: string
  Tags: readonly { Key: string; Value: string }[]
}

/** What the cloud is read off. */
export interface CloudOptions {
  objects: Objects
  network: Network
  hooks: AwsHooks
  /** The cluster's CA, PEM, and the port of its API. */
  authority: string
  port: number
  /** The attributes that load balancers have got, by NAMESPACE/NAME of their Services. */
  applied: ReadonlyMap<string, Record<string, string>>
}

/** What AWS holds of the stack: it is read off the cluster's own objects whenever it is asked for. */
export class Cloud {
  readonly #objects: Objects
  readonly #network: Network
  /** Attributes of load balancers that somebody has set through the API. */
  readonly #attributes = new Map<string, Record<string, string>>()

  readonly hooks: AwsHooks
  readonly #authority: string
  readonly #port: number
  readonly #applied: ReadonlyMap<string, Record<string, string>>
  /** Every action that was asked for, as IAM names it. */
  readonly called = new Set<string>()
  /** What somebody has made through the API, by id. */
  readonly associations = new Map<string, PodIdentityAssociation>()

  constructor({ objects, network, hooks, authority, port, applied }: CloudOptions) {
    this.#applied = applied
    this.#objects = objects
    this.#network = network
    this.hooks = hooks
    this.#authority = authority
    this.#port = port
  }

  /** The zone that the names of load balancers are in. */
  readonly dnsZone = `elb.${REGION}.amazonaws.com`

  /** The addresses of a load balancer's name: one in each zone. */
  addressesOf(hostname: string): readonly string[] {
    const service = this.#services().find((each) => each.status.loadBalancer.ingress[0].hostname === hostname)
    const addresses = (service?.metadata.annotations?.[ADDRESSES] ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=')[1] ?? '')
    return this.hooks.addresses.apply(addresses)
  }

  get issuer(): string {
    const id = createHash('md5').update(CLUSTER).digest('hex').toUpperCase()
    return `https://oidc.eks.${REGION}.amazonaws.com/id/${id}`
  }

  cluster(name: string): object | undefined {
    if (name !== CLUSTER) return undefined
    const arn = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${CLUSTER}`
    const endpoint = `https://${this.#network.apiAddress}:${this.#port}`
    return {
      name,
      arn,
      endpoint,
      status: 'ACTIVE',
      version: '1.34',
      certificateAuthority: { data: Buffer.from(this.#authority).toString('base64') },
      identity: { oidc: { issuer: this.issuer } },
      resourcesVpcConfig: { vpcId: VPC, subnetIds: this.subnets().map(({ SubnetId }) => SubnetId) },
    }
  }

  nodegroup = (): object => ({
    nodegroupName: 'workers',
    clusterName: CLUSTER,
    status: 'ACTIVE',
    nodeRole: `arn:aws:iam::${ACCOUNT}:role/plumbline-workers`,
  })

  /** A private subnet in each zone that has a worker. */
  subnets(): Subnet[] {
    const zones = new Set(
      this.#objects.list('nodes').map((node) => node.metadata.labels?.['topology.kubernetes.io/zone']),
    )
    return [...zones]
      .filter((zone) => zone !== undefined)
      .map((zone) => ({
        SubnetId: `subnet-${createHash('md5').update(zone).digest('hex').slice(0, 17)}`,
        AvailabilityZone: zone,
        VpcId: VPC,
        Tags: this.hooks.subnetTags.apply([
          { Key: 'kubernetes.io/role/internal-elb', Value: '1' },
          { Key: `kubernetes.io/cluster/${CLUSTER}`, Value: 'shared' },
        ]),
      }))
  }

  #services(): KubeObject[] {
    return this.#objects.list('services').filter((each) => each.status?.loadBalancer?.ingress?.[0]?.hostname)
  }

  /** A network load balancer for each Service that its controller has given one. */
  loadBalancers(): {
    service: KubeObject
    LoadBalancerArn: string
    LoadBalancerName: string
    [field: string]: unknown
  }[] {
    return this.#services().map((service) => {
      const hostname = String(service.status.loadBalancer.ingress[0].hostname)
      const name = hostname.split('.')[0]!.split('-').slice(0, -1).join('-')
      const id = hostname.split('.')[0]!.split('-').at(-1) ?? ''
      return {
        service,
        LoadBalancerArn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:loadbalancer/net/${name}/${id}`,
        LoadBalancerName: name,
        DNSName: hostname,
        Type: 'network',
        Scheme: this.hooks.scheme.apply('internal'),
        VpcId: VPC,
        State: this.hooks.loadBalancerState.apply({ Code: 'active' }),
        IpAddressType: 'ipv4',
        AvailabilityZones: this.subnets().map(({ SubnetId, AvailabilityZone }) => ({
          ZoneName: AvailabilityZone,
          SubnetId,
        })),
      }
    })
  }

  /** NAMESPACE/NAME of the Service that a load balancer or target group is of. */
  stackOf(arn: string): string {
    const found = this.loadBalancers().find(({ LoadBalancerArn }) =>
      arn.includes(LoadBalancerArn.split('/').slice(-2)[0]!),
    )
    return found ? `${found.service.metadata.namespace}/${found.service.metadata.name}` : ''
  }

  attributes(arn: string): { Key: string; Value: string }[] {
    const service = this.loadBalancers().find((each) => each.LoadBalancerArn === arn)?.service
    const given = service ? this.#applied.get(`${service.metadata.namespace}/${service.metadata.name}`) : {}
    const all = {
      'load_balancing.cross_zone.enabled': 'false',
      'deletion_protection.enabled': 'false',
      ...given,
      ...this.#attributes.get(arn),
    }
    return Object.entries(all).map(([Key, Value]) => ({ Key, Value }))
  }

  setAttributes(arn: string, attributes: Record<string, string>): void {
    this.#attributes.set(arn, { ...this.#attributes.get(arn), ...attributes })
  }

  /** A listener and a target group for each port of the Service. */
  listeners(arn: string): {
    ListenerArn: string
    LoadBalancerArn: string
    Port: number
    Protocol: string
    TargetGroupArn: string
    service: KubeObject
  }[] {
    const service = this.loadBalancers().find((each) => each.LoadBalancerArn === arn)?.service
    const id = arn.split('/').slice(-2).join('/')
    const prefix = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}`
    const listenerOn = (port: number) => ({
      ListenerArn: `${prefix}:listener/net/${id}/${port}`,
      LoadBalancerArn: arn,
      Port: port,
      Protocol: 'TCP',
      TargetGroupArn: `${prefix}:targetgroup/k8s-${id.replaceAll('/', '-')}-${port}/${id.split('/')[1]}`,
    })
    if (!service) return []
    const ports = (service.spec.ports ?? []) as { port: number }[]
    return this.hooks.listenerPorts
      .apply(ports.map(({ port }) => port))
      .map((port) => ({ ...listenerOn(port), service }))
  }

  /**
   * The pods behind a target group. A port on which no server listens is unhealthy, as 443 is before a Gateway has TLS.
   */
  targets(targetGroup: string): readonly object[] {
    const listener = this.loadBalancers()
      .flatMap((each) => this.listeners(each.LoadBalancerArn))
      .find((each) => each.TargetGroupArn === targetGroup)
    if (!listener) return []
    const { name, namespace = '' } = listener.service.metadata
    const targets = endpointsOf(this.#objects, name, namespace, listener.Port).map(({ address, port, pod }) => {
      const zone = this.#objects.get('nodes', String(pod?.spec.nodeName))?.metadata.labels?.[
        'topology.kubernetes.io/zone'
      ]
      const health: TargetHealth = this.#network.serverAt(address, port)
        ? { State: 'healthy' }
        : { State: 'unhealthy', Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' }
      return {
        Target: { Id: address, Port: port, AvailabilityZone: zone },
        HealthCheckPort: String(port),
        TargetHealth: this.hooks.targetHealth.apply(health, { pod }),
      }
    })
    return this.hooks.targets.apply(targets)
  }
}
