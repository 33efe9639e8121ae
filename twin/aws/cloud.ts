import { REGION, ACCOUNT, CLUSTER, VPC } from './place.ts'
import { createHash } from 'node:crypto'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import type { DefectName, Defects } from '../defects.ts'
import { ADDRESSES } from '../load-balancer/aws-controller.ts'
import type { Network } from '../network.ts'

/** A Pod Identity association, as EKS describes it. */
export interface PodIdentityAssociation {
  associationId: string
  namespace: string
  serviceAccount: string
  roleArn: string
  tags: Record<string, string>
}

/** What the cloud is read off. */
export interface CloudOptions {
  objects: Objects
  network: Network
  defects: Defects
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

  readonly #defects: Defects
  readonly #authority: string
  readonly #port: number
  readonly #applied: ReadonlyMap<string, Record<string, string>>
  /** Every action that was asked for, as IAM names it. */
  readonly called = new Set<string>()
  /** What somebody has made through the API, by id. */
  readonly associations = new Map<string, PodIdentityAssociation>()

  constructor({ objects, network, defects, authority, port, applied }: CloudOptions) {
    this.#applied = applied
    this.#objects = objects
    this.#network = network
    this.#defects = defects
    this.#authority = authority
    this.#port = port
  }

  has(defect: DefectName): boolean {
    return this.#defects.has(defect)
  }

  /** The zone that the names of load balancers are in. */
  readonly dnsZone = `elb.${REGION}.amazonaws.com`

  /** The addresses of a load balancer's name: one in each zone, of which a defect leaves one. */
  addressesOf(hostname: string): string[] {
    const service = this.#services().find((each) => each.status.loadBalancer.ingress[0].hostname === hostname)
    const addresses = (service?.metadata.annotations?.[ADDRESSES] ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=')[1] ?? '')
    return this.has('dns-in-one-zone') ? addresses.slice(0, 1) : addresses
  }

  get issuer(): string {
    return `https://oidc.eks.${REGION}.amazonaws.com/id/${createHash('md5').update(CLUSTER).digest('hex').toUpperCase()}`
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
  subnets(): { SubnetId: string; AvailabilityZone: string; VpcId: string; Tags: { Key: string; Value: string }[] }[] {
    const zones = new Set(
      this.#objects.list('nodes').map((node) => node.metadata.labels?.['topology.kubernetes.io/zone']),
    )
    return [...zones]
      .filter((zone) => zone !== undefined)
      .map((zone) => ({
        SubnetId: `subnet-${createHash('md5').update(zone).digest('hex').slice(0, 17)}`,
        AvailabilityZone: zone,
        VpcId: VPC,
        Tags: [
          ...(this.has('subnets-untagged') ? [] : [{ Key: 'kubernetes.io/role/internal-elb', Value: '1' }]),
          { Key: `kubernetes.io/cluster/${CLUSTER}`, Value: 'shared' },
        ],
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
        Scheme: this.has('nlb-internet-facing') ? 'internet-facing' : 'internal',
        VpcId: VPC,
        State: this.has('nlb-provisioning')
          ? { Code: 'provisioning' }
          : this.has('nlb-impaired')
            ? { Code: 'active_impaired', Reason: 'Subnets have no free addresses.' }
            : { Code: 'active' },
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
    const make = ({ port }: { port: number }) => ({
      ListenerArn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:listener/net/${id}/${port}`,
      LoadBalancerArn: arn,
      Port: port,
      Protocol: 'TCP',
      TargetGroupArn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/k8s-${id.replaceAll('/', '-')}-${port}/${id.split('/')[1]}`,
    })
    if (!service) return []
    const ports = (service.spec.ports ?? []) as { port: number }[]
    return ports
      .filter(({ port }) => port !== 443 || !this.has('nlb-listener-missing'))
      .map((port) => ({ ...make(port), service }))
  }

  /** The pods behind a target group; one that nobody listens on for its port is unhealthy, as 443 is before a Gateway has TLS. */
  targets(targetGroup: string): object[] {
    const listener = this.loadBalancers()
      .flatMap((each) => this.listeners(each.LoadBalancerArn))
      .find((each) => each.TargetGroupArn === targetGroup)
    if (!listener || this.has('target-groups-empty')) return []
    const { name, namespace = '' } = listener.service.metadata
    return endpointsOf(this.#objects, name, namespace, listener.Port).map(({ address, port, pod }) => {
      const zone = this.#objects.get('nodes', String(pod?.spec.nodeName))?.metadata.labels?.[
        'topology.kubernetes.io/zone'
      ]
      const open = this.#network.serverAt(address, port) !== undefined && !this.has('nlb-targets-unhealthy')
      const stuck = this.#defects.since('nlb-target-stuck')
      const joins = stuck !== undefined && Date.parse(pod?.metadata.creationTimestamp ?? '') >= stuck
      return {
        Target: { Id: address, Port: port, AvailabilityZone: zone },
        HealthCheckPort: String(port),
        TargetHealth: joins
          ? {
              State: 'initial',
              Reason: 'Elb.RegistrationInProgress',
              Description: 'Target registration is in progress',
            }
          : open
            ? { State: 'healthy' }
            : { State: 'unhealthy', Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' },
      }
    })
  }
}
