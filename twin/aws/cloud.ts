import { createHash } from 'node:crypto'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import type { Network } from '../network.ts'

export const REGION = 'eu-west-1'
export const ACCOUNT = '000000000000'
export const CLUSTER = 'plumbline'
const VPC = 'vpc-0123456789abcdef0'
const ANNOTATION = 'service.beta.kubernetes.io/aws-load-balancer-'

/** What AWS holds of the stack: it is read off the cluster's own objects whenever it is asked for. */
export class Cloud {
  readonly #objects: Objects
  readonly #network: Network
  /** Attributes of load balancers that somebody has set through the API. */
  readonly #attributes = new Map<string, Record<string, string>>()

  constructor(objects: Objects, network: Network) {
    this.#objects = objects
    this.#network = network
  }

  get issuer(): string {
    return `https://oidc.eks.${REGION}.amazonaws.com/id/${createHash('md5').update(CLUSTER).digest('hex').toUpperCase()}`
  }

  cluster(name: string): object | undefined {
    if (name !== CLUSTER) return undefined
    const arn = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${CLUSTER}`
    const endpoint = `https://${this.#network.apiAddress}:6443`
    return {
      name,
      arn,
      endpoint,
      status: 'ACTIVE',
      version: '1.34',
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
          { Key: 'kubernetes.io/role/internal-elb', Value: '1' },
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
        Scheme: service.metadata.annotations?.[`${ANNOTATION}scheme`] ?? 'internal',
        VpcId: VPC,
        State: { Code: 'active' },
        IpAddressType: 'ipv4',
        AvailabilityZones: this.subnets().map(({ SubnetId, AvailabilityZone }) => ({
          ZoneName: AvailabilityZone,
          SubnetId,
        })),
      }
    })
  }

  attributes(arn: string): { Key: string; Value: string }[] {
    const service = this.loadBalancers().find((each) => each.LoadBalancerArn === arn)?.service
    const asked = service?.metadata.annotations?.[`${ANNOTATION}attributes`] ?? ''
    const given = Object.fromEntries(
      asked
        .split(',')
        .filter(Boolean)
        .map((pair) => pair.split('=') as [string, string]),
    )
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
    return service ? ((service.spec.ports ?? []) as { port: number }[]).map((port) => ({ ...make(port), service })) : []
  }

  /** The pods behind a target group; one that nobody listens on for its port is unhealthy, as 443 is before a Gateway has TLS. */
  targets(targetGroup: string): object[] {
    const listener = this.loadBalancers()
      .flatMap((each) => this.listeners(each.LoadBalancerArn))
      .find((each) => each.TargetGroupArn === targetGroup)
    if (!listener) return []
    const { name, namespace = '' } = listener.service.metadata
    return endpointsOf(this.#objects, name, namespace, listener.Port).map(({ address, port, pod }) => {
      const zone = this.#objects.get('nodes', String(pod?.spec.nodeName))?.metadata.labels?.[
        'topology.kubernetes.io/zone'
      ]
      const open = this.#network.serverAt(address, port) !== undefined
      return {
        Target: { Id: address, Port: port, AvailabilityZone: zone },
        HealthCheckPort: String(port),
        TargetHealth: open
          ? { State: 'healthy' }
          : { State: 'unhealthy', Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' },
      }
    })
  }
}
