import { gatewayHostname, gatewayName, gatewayService } from '../../src/cluster/gateway-service.ts'
import { check } from '../../src/check/check.ts'
import { resolveEverywhere } from '../../src/cloud/dns.ts'
import { attributesOf, listenersOf, tagsOf } from '../../src/cloud/nlb.ts'
import { requestedNlb } from '../../src/cloud/gateway-annotations.ts'
import { gatewayZones } from '../../src/mesh/gateway-zones.ts'

const OWNED = 'elbv2.k8s.aws/cluster'

check(
  'mesh/gateway-annotations',
  {
    asserts:
      'the AWS Load Balancer Controller owns the gateway Service, and the annotations request a cross-zone NLB of ' +
      'the scheme in stack.yaml',
    guide: '2,4',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['mesh/gateway-address'],
    remedy: [
      'Set the annotations under the gateway of the IstioOperator, each after service.beta.kubernetes.io/',
      'Set aws-load-balancer-type: external and aws-load-balancer-nlb-target-type: ip',
      'Set aws-load-balancer-scheme: internal',
      'Set aws-load-balancer-attributes: load_balancing.cross_zone.enabled=true',
      'Do not add or change the type on a Service that already has its load balancer: that leaks the old one',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, name } = await gatewayName(stack)
    const service = `Service ${namespace}/${name}`
    const requested = requestedNlb(await stack.one('v1/Service', name, namespace))
    const ignored = requested.ignored.length ? `; ignored annotations: ${requested.ignored.join(', ')}` : ''
    expect(requested.owner, `${service}, owner of its load balancer by ${requested.by}${ignored}`).toBe(
      'AWS Load Balancer Controller',
    )
    const { scheme = requested.scheme } = stack.config.expect.nlb
    expect(requested.scheme === scheme).toHold(
      `${service}: the annotations request scheme ${requested.scheme}, ` +
        `expect.nlb.scheme of stack.yaml is ${scheme}${ignored}`,
    )
    expect(requested.crossZone).toHold(
      `${service}: the annotations do not enable load_balancing.cross_zone.enabled${ignored}`,
    )
    const nlb = await stack.cloud.nlb()
    const tags = (await tagsOf(stack.cloud.aws, [nlb.arn])).get(nlb.arn) ?? {}
    expect(tags[OWNED] !== undefined).toHold(
      `Load balancer ${nlb.dnsName}: tag ${OWNED} not found (tags: ${Object.keys(tags).join(', ') || 'none'})`,
    )
    return (
      `${service}: owned by the controller of cluster ${tags[OWNED]} (by ${requested.by}), ` +
      `${requested.scheme}, cross-zone${ignored}`
    )
  },
)

check(
  'mesh/gateway-dns',
  {
    asserts:
      "the load balancer's hostname resolves to one address for each enabled zone, at the resolver and at the zone's " +
      'authoritative servers',
    guide: '1,2',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['mesh/gateway-address'],
    remedy: [
      'Compare the addresses with the enabled zones: a zone without healthy targets has none when cross-zone is off',
      'Wait some minutes where a subnet was added just now',
      'Allow private addresses in your resolver (DNS rebinding protection) where only the authoritative servers answer',
    ],
  },
  async ({ stack, expect, measure }) => {
    const [hostname, { zones }] = await Promise.all([gatewayHostname(stack), stack.cloud.nlb()])
    const { usual, zone, authoritative } = await resolveEverywhere(hostname, stack.config.dns.servers)
    expect(authoritative.length, `Name servers of the zone ${zone}`).toBeGreaterThan(0)
    measure('addresses', usual.addresses.length, 'addresses')
    for (const { server, addresses } of [usual, ...authoritative]) {
      const count = new Set(addresses).size
      expect(count === zones.length).toHold(
        `${hostname} at ${server}: ${count} addresses found (${addresses.join(', ')}); ` +
          `one for each of ${zones.length} zones is expected (${zones.join(', ')})`,
      )
    }
    return (
      `${hostname} resolves to ${usual.addresses.join(', ')} for the zones ${zones.join(', ')}; ` +
      `${authoritative.length} name servers of ${zone} agree`
    )
  },
)

check(
  'mesh/nlb-scheme',
  {
    asserts:
      "the gateway's load balancer has type network and the scheme of expect.nlb.scheme in stack.yaml " +
      '(default: what its Service asks for)',
    guide: '1,2,4',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/gateway-address'],
    remedy: [
      'Set expect.nlb.scheme in stack.yaml to the scheme that you want to certify',
      'Set the annotation service.beta.kubernetes.io/aws-load-balancer-scheme of the gateway Service',
      'Expect a new load balancer with another DNS name: the scheme cannot be changed in place',
    ],
  },
  async ({ stack, expect }) => {
    const { type, scheme, dnsName } = await stack.cloud.nlb()
    expect(type, `Load balancer ${dnsName}, type`).toBe('network')
    const asked = requestedNlb(await gatewayService(stack)).scheme
    const { scheme: wanted = asked } = stack.config.expect.nlb
    const why = wanted === asked ? 'as its Service asks' : 'expect.nlb.scheme of stack.yaml'
    expect(scheme === wanted).toHold(
      `Load balancer ${dnsName}, scheme: found '${scheme}', expected '${wanted}' (${why})`,
    )
    return `Load balancer ${dnsName} has type ${type} and scheme ${scheme}`
  },
)

check(
  'mesh/nlb-active',
  {
    asserts: "the gateway's load balancer has the state active",
    guide: '2',
    level: 'required',
    effect: 'reads',
    within: 'nlbCheck',
    requires: ['nlb'],
    needs: ['mesh/gateway-address'],
    remedy: [
      'Wait some minutes where the load balancer is new (state provisioning)',
      'Read the reason that the message gives for active_impaired or failed, such as subnets without free addresses',
    ],
  },
  async ({ stack, expect }) => {
    const { state, reason, dnsName, zones } = await stack.cloud.untilProvisioned()
    expect(state, `Load balancer ${dnsName}, state${reason ? ` (${reason})` : ''}`).toBe('active')
    return `Load balancer ${dnsName} is active in ${zones.join(', ')}`
  },
)

check(
  'mesh/nlb-listeners',
  {
    asserts: "the gateway's load balancer has listeners on ports 80 and 443, each with a target group",
    guide: '2',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/nlb-active', 'mesh/gateway-ports'],
    remedy: [
      'Add the port to spec.ports of the gateway Service: the controller makes a listener for each of them',
      'Read the events of the Service and the log of the AWS Load Balancer Controller',
    ],
  },
  async ({ stack, expect }) => {
    const nlb = await stack.cloud.nlb()
    const listeners = await listenersOf(stack.cloud.aws, nlb)
    const found = listeners.map(({ port, protocol }) => `${protocol} ${port}`).join(', ')
    for (const port of [80, 443]) {
      const listener = listeners.find((candidate) => candidate.port === port)
      expect(listener !== undefined).toHold(
        `Load balancer ${nlb.dnsName}: no listener on port ${port} (it has ${found || 'none'})`,
      )
      expect(
        listener!.targetGroups.length,
        `Load balancer ${nlb.dnsName}, listener on port ${port}, target groups`,
      ).toBeGreaterThan(0)
    }
    return `Load balancer ${nlb.dnsName} has the listeners ${found}`
  },
)

check(
  'mesh/nlb-targets-healthy',
  {
    asserts:
      'behind ports 15021 and 80 of the load balancer no target is unhealthy, and each zone with a gateway pod has a ' +
      'healthy target (tls checks 443)',
    guide: '2',
    level: 'required',
    effect: 'reads',
    within: 'nlbCheck',
    requires: ['nlb'],
    needs: ['mesh/nlb-listeners', 'mesh/version'],
    remedy: [
      'Read the reason of each target in the message',
      "Allow the health check's port in the security groups between the load balancer and the pods",
      'Give the gateway a Gateway resource with a server on port 80: without one it does not listen there',
      'Read the log of the AWS Load Balancer Controller where there are no targets at all',
    ],
  },
  async ({ stack, expect, measure }) => {
    const zones = await gatewayZones(stack)
    expect(zones.size, 'Ready gateway pods').toBeGreaterThan(0)
    const counts: string[] = []
    for (const port of [15021, 80]) {
      const { targets } = await stack.cloud.untilHealthy(port)
      const healthy = targets.filter(({ state }) => state === 'healthy')
      measure(`healthy targets of ${port}`, healthy.length, 'targets')
      const lacking = [...zones.byZone].flatMap(([zone, { pods, nodes }]) => {
        // The address of a target is a pod's, or a node's where targets are instances.
        const isServed = healthy.some(
          ({ address, zone: targetZone }) => pods.has(address) || nodes.has(address) || targetZone === zone,
        )
        return isServed ? [] : [`${zone} (gateway pods ${[...pods].join(', ')})`]
      })
      const places = healthy.map(({ id, zone }) => `${id} in ${zone || 'no zone'}`).join(', ') || 'none'
      expect(
        lacking,
        `Zones with a gateway pod, but without a healthy target behind port ${port} (healthy targets: ${places})`,
      ).toBeNone()
      counts.push(`${healthy.length} healthy targets behind port ${port}`)
    }
    return `${counts.join(', ')}, in ${[...zones.byZone.keys()].join(', ')}`
  },
)

check(
  'mesh/nlb-cross-zone',
  {
    asserts: 'the load balancer attribute load_balancing.cross_zone.enabled is true',
    guide: '2,4',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/nlb-active'],
    remedy: [
      'Annotate the gateway Service, each annotation after service.beta.kubernetes.io/',
      'Set aws-load-balancer-attributes: load_balancing.cross_zone.enabled=true',
      'Remove aws-load-balancer-cross-zone: no such annotation exists',
    ],
  },
  async ({ stack, expect }) => {
    const nlb = await stack.cloud.nlb()
    const attributes = await attributesOf(stack.cloud.aws, nlb)
    const key = 'load_balancing.cross_zone.enabled'
    expect(attributes[key] ?? 'not set', `Load balancer ${nlb.dnsName}, attribute ${key}`).toBe('true')
    return `Load balancer ${nlb.dnsName}: ${key} is true`
  },
)
