import { gatewayHostname } from '../../src/cluster/gateway-service.ts'
import { check } from '../../src/check/check.ts'
import { resolveEverywhere } from '../../src/cloud/dns.ts'
import { attributesOf, listenersOf, tagsOf } from '../../src/cloud/nlb.ts'
import { askedNlb } from '../../src/cloud/gateway-annotations.ts'
import { gatewayZones } from '../../src/mesh/gateway-zones.ts'

const OWNED = 'elbv2.k8s.aws/cluster'

check(
  'mesh/gateway-annotations',
  {
    asserts:
      'the AWS Load Balancer Controller owns the gateway Service (class, finalizer, tags), and the annotations ask it for an NLB of the right scheme, cross-zone, in a spelling that it reads; what it ignores is named',
    guide: '2,4',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['mesh/gateway-address'],
    remedy:
      'under the gateway of the IstioOperator: aws-load-balancer-type: external, -nlb-target-type: ip, -scheme: internal, -attributes: load_balancing.cross_zone.enabled=true (all with service.beta.kubernetes.io/ before); never add or change the type on a Service that has its load balancer: it leaks one',
  },
  async ({ stack, expect }) => {
    const { namespace, service: name } = stack.config.gateway
    const asked = askedNlb(await stack.one('v1/Service', name, namespace))
    const ignored = asked.ignored.length ? `; ignored: ${asked.ignored.join(', ')}` : ''
    expect(asked.owner, `owner of Service ${namespace}/${name}, by ${asked.by}${ignored}`).toBe(
      'AWS Load Balancer Controller',
    )
    expect(asked.scheme, `scheme that its annotations ask for${ignored}`).toBe(stack.config.nlb.scheme)
    expect(asked.crossZone, `cross-zone load balancing that its annotations ask for${ignored}`).toBe(true)
    const nlb = await stack.cloud.nlb()
    const tags = (await tagsOf(stack.cloud.aws, [nlb.arn])).get(nlb.arn) ?? {}
    expect(
      tags[OWNED] ?? 'none',
      `the load balancer's tag ${OWNED} (its tags: ${Object.keys(tags).join(', ') || 'none'})`,
    ).not.toBe('none')
    return `the controller of ${tags[OWNED]} owns it by ${asked.by}; ${asked.scheme}, cross-zone${ignored}`
  },
)

check(
  'mesh/gateway-dns',
  {
    asserts:
      "the load balancer's hostname resolves, here and at its zone's own servers, to an address for each zone that is enabled",
    guide: '1,2',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['mesh/gateway-address'],
    remedy:
      'a zone without an address has no healthy target and cross-zone is off, or its subnet was added just now; a name that only its own servers know is in a resolver that filters private addresses (DNS rebinding protection)',
  },
  async ({ stack, expect, measure }) => {
    const [hostname, { zones }] = await Promise.all([gatewayHostname(stack), stack.cloud.nlb()])
    const { usual, zone, authoritative } = await resolveEverywhere(hostname, stack.config.dns.servers)
    expect(authoritative.length, `servers of the zone ${zone}`).toBeGreaterThan(0)
    measure('addresses', usual.addresses.length, 'addresses')
    for (const { server, addresses } of [usual, ...authoritative]) {
      expect(
        new Set(addresses).size,
        `addresses of ${hostname} at ${server} (${addresses.join(', ')}), one for each zone (${zones.join(', ')})`,
      ).toBe(zones.length)
    }
    return `${usual.addresses.join(', ')} for ${zones.join(', ')}; ${authoritative.length} servers of ${zone} say as many`
  },
)

check(
  'mesh/nlb-scheme',
  {
    asserts: "the gateway's load balancer is of type network and its scheme internal (or what stack.yaml asks for)",
    guide: '1,2,4',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/gateway-address'],
    remedy:
      'the scheme cannot be changed in place: aws-load-balancer-scheme on the Service has the controller make another load balancer, with another name; stack.yaml says what is asked for (nlb.scheme)',
  },
  async ({ stack, expect }) => {
    const { type, scheme, dnsName } = await stack.cloud.nlb()
    expect(type, `type of the load balancer ${dnsName}`).toBe('network')
    expect(scheme, `scheme of the load balancer ${dnsName}, against stack.yaml's nlb.scheme`).toBe(
      stack.config.nlb.scheme,
    )
    return `${dnsName} is of type ${type}, ${scheme}`
  },
)

check(
  'mesh/nlb-active',
  {
    asserts: "the load balancer's state is active",
    guide: '2',
    level: 'required',
    effect: 'reads',
    within: 'nlbCheck',
    requires: ['nlb'],
    needs: ['mesh/gateway-address'],
    remedy: 'a new one is provisioned for some minutes; active_impaired and failed have their reason with them',
  },
  async ({ stack, expect }) => {
    const { state, reason, dnsName, zones } = await stack.cloud.untilProvisioned()
    expect(state, `state of ${dnsName}${reason ? ` (${reason})` : ''}`).toBe('active')
    return `${dnsName} is active in ${zones.join(', ')}`
  },
)

check(
  'mesh/nlb-listeners',
  {
    asserts: "the load balancer with the DNS name of the Service's status has listeners on 80 and 443",
    guide: '2',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/nlb-active', 'mesh/gateway-ports'],
    remedy:
      "the controller makes a listener for each port of the Service: its log and the Service's events say why not",
  },
  async ({ stack, expect }) => {
    const nlb = await stack.cloud.nlb()
    const listeners = await listenersOf(stack.cloud.aws, nlb)
    const told = listeners.map(({ port, protocol }) => `${protocol} ${port}`).join(', ')
    for (const port of [80, 443]) {
      const listener = listeners.find((each) => each.port === port)
      expect(listener, `listener on ${port} of ${nlb.dnsName}, which has ${told || 'none'}`).toBeDefined()
      expect(listener!.targetGroups.length, `target groups of the listener on ${port}`).toBeGreaterThan(0)
    }
    return told
  },
)

check(
  'mesh/nlb-targets-healthy',
  {
    asserts:
      'behind 15021 and 80 every zone with a gateway pod has a healthy target, and none is unhealthy (443 follows in tls)',
    guide: '2',
    level: 'required',
    effect: 'reads',
    within: 'nlbCheck',
    requires: ['nlb'],
    needs: ['mesh/nlb-listeners', 'mesh/version'],
    remedy:
      "each target's reason stands above: security groups between the load balancer and the pods, the health check's port, a gateway that does not listen (80 needs a Gateway with a server on it); no target at all: the controller's log",
  },
  async ({ stack, expect, measure }) => {
    const zones = await gatewayZones(stack)
    expect(zones.size, 'gateway pods that are Ready').toBeGreaterThan(0)
    const told: string[] = []
    for (const port of [15021, 80]) {
      const { targets } = await stack.cloud.untilHealthy(port)
      const healthy = targets.filter(({ state }) => state === 'healthy')
      measure(`healthy targets of ${port}`, healthy.length, 'targets')
      const lacking = [...zones.byZone].flatMap(([zone, { pods, nodes }]) => {
        // An address is a pod's, or a node's where targets are instances.
        const there = healthy.some(({ address, zone: at }) => pods.has(address) || nodes.has(address) || at === zone)
        return there ? [] : [`${zone}, with the gateway pods ${[...pods].join(', ')}`]
      })
      expect(
        lacking,
        `zones with a gateway pod and no healthy target of ${port} (healthy: ${healthy.map(({ id, zone }) => `${id} in ${zone || 'no zone'}`).join(', ')})`,
      ).toBeNone()
      told.push(`${port}: ${healthy.length} healthy`)
    }
    return `${told.join(', ')}, in ${[...zones.byZone.keys()].join(', ')}`
  },
)

check(
  'mesh/nlb-cross-zone',
  {
    asserts: 'the attribute load_balancing.cross_zone.enabled is true',
    guide: '2,4',
    level: 'required',
    effect: 'reads',
    requires: ['nlb'],
    needs: ['mesh/nlb-active'],
    remedy:
      'aws-load-balancer-attributes: load_balancing.cross_zone.enabled=true on the gateway Service; there is no annotation aws-load-balancer-cross-zone',
  },
  async ({ stack, expect }) => {
    const nlb = await stack.cloud.nlb()
    const attributes = await attributesOf(stack.cloud.aws, nlb)
    const key = 'load_balancing.cross_zone.enabled'
    expect(attributes[key] ?? 'not there', `attribute ${key} of ${nlb.dnsName}`).toBe('true')
    return `${key} is true`
  },
)
