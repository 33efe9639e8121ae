import { balancing } from '../../src/cloud/balancer-controller.ts'
import { requestedNlb } from '../../src/cloud/gateway-annotations.ts'
import { attributesOf } from '../../src/cloud/nlb.ts'
import { check } from '../../src/check/check.ts'
import { gatewayService } from '../../src/cluster/gateway-service.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { untilTargetsHealthy } from '../../src/mesh/nlb-targets.ts'
import { theGateway } from '../../src/survey/surveyed.ts'
import { balancedPorts, httpPortOf, httpsPortOf } from '../../src/survey/traffic-ports.ts'
import { counted } from '../../src/core/counted.ts'

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
    const { balancer } = await balancing(stack)
    const asked = requestedNlb(await gatewayService(stack), balancer)?.scheme
    // A load balancer that was made outside the cluster is asked for by nobody there.
    const { scheme: wanted = asked ?? scheme } = stack.config.expect.nlb
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
    asserts:
      "the gateway's load balancer has listeners to the ports for HTTP and HTTPS of its Service, each with a target " +
      'group',
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
    const gateway = await theGateway(stack)
    const ports = [httpPortOf(gateway), httpsPortOf(gateway)].flatMap((each) => each?.port ?? [])
    expect(ports.length, "Ports for HTTP and HTTPS of the gateway's Service").toBeGreaterThan(0)
    const nlb = await stack.cloud.nlb()
    const listeners = await Promise.all(ports.map((port) => stack.cloud.listener(port)))
    for (const listener of listeners)
      expect(
        listener.targetGroups.length,
        `Load balancer ${nlb.dnsName}, listener on port ${listener.port}, target groups`,
      ).toBeGreaterThan(0)
    const found = listeners.map(({ port, protocol }) => `${protocol} ${port}`).join(', ')
    return `Load balancer ${nlb.dnsName} has the listeners ${found}`
  },
)

check(
  'mesh/nlb-targets-healthy',
  {
    asserts:
      'behind the status port of the load balancer and the ports that the gateway listens on no target is unhealthy, ' +
      'and each zone with a gateway pod has a healthy target',
    guide: '2',
    level: 'required',
    effect: 'reads',
    within: 'nlbCheck',
    requires: ['nlb'],
    needs: ['mesh/nlb-listeners', 'mesh/version'],
    remedy: [
      'Read the reason of each target in the message',
      "Allow the health check's port in the security groups between the load balancer and the pods",
      'Read the log of the AWS Load Balancer Controller where there are no targets at all',
    ],
  },
  async ({ stack, expect, measure }) => {
    const gateway = await theGateway(stack)
    const ports = balancedPorts(gateway)
    expect(ports.length, "Ports of the gateway's Service that the gateway listens on").toBeGreaterThan(0)
    const counts: string[] = []
    for (const { port } of ports) {
      const { healthy, zones } = await untilTargetsHealthy(stack, port)
      expect(zones.size, 'Ready gateway pods').toBeGreaterThan(0)
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
      counts.push(
        `${counted(healthy.length, 'healthy target')} behind port ${port} in ${[...zones.byZone.keys()].join(', ')}`,
      )
    }
    return counts.join(', ')
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
    if (nlb.zones.length === 1)
      throw new DoesNotApply(`Load balancer ${nlb.dnsName} is in one zone, ${nlb.zones[0]}: there is none to cross to.`)
    const attributes = await attributesOf(stack.cloud.aws, nlb)
    const key = 'load_balancing.cross_zone.enabled'
    expect(attributes[key] ?? 'not set', `Load balancer ${nlb.dnsName}, attribute ${key}`).toBe('true')
    return `Load balancer ${nlb.dnsName}: ${key} is true`
  },
)
