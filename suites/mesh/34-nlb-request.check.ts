import { balancing } from '../../src/cloud/balancer-controller.ts'
import { resolveEverywhere } from '../../src/cloud/dns.ts'
import { requestedNlb } from '../../src/cloud/gateway-annotations.ts'
import { tagsOf } from '../../src/cloud/nlb.ts'
import { check } from '../../src/check/check.ts'
import { gatewayService } from '../../src/cluster/gateway-service.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { counted } from '../../src/core/counted.ts'

/** Tags with the cluster's name: of the AWS Load Balancer Controller, and of EKS Auto Mode. */
const OWNED = ['elbv2.k8s.aws/cluster', 'eks:eks-cluster-name']

check(
  'mesh/gateway-annotations',
  {
    asserts:
      'the AWS Load Balancer Controller or EKS Auto Mode makes the load balancer of the gateway Service, whose ' +
      'annotations request a cross-zone NLB of the scheme in stack.yaml',
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
    const { gateway, balancer, service, facts } = await balancing(stack)
    const requested = requestedNlb(await gatewayService(stack), balancer)
    if (!requested)
      throw new DoesNotApply(`The load balancer of ${service} is made by ${facts.title}, which reads no annotations.`)
    const ignored = requested.ignored.length ? `; ignored annotations: ${requested.ignored.join(', ')}` : ''
    const by = 'by' in gateway.balancer ? gateway.balancer.by : ''
    expect(balancer.maker !== 'ccm').toHold(
      `${service}: the in-tree cloud provider makes its load balancer (${by}); ` +
        `the AWS Load Balancer Controller or EKS Auto Mode is expected${ignored}`,
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
    const owned = OWNED.find((key) => tags[key] !== undefined)
    expect(owned !== undefined).toHold(
      `Load balancer ${nlb.dnsName}: tag ${OWNED.join(' or ')} not found ` +
        `(tags: ${Object.keys(tags).join(', ') || 'none'})`,
    )
    return (
      `${service}: ${facts.title} of cluster ${tags[owned!]} makes its load balancer (${by}), ` +
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
    const { dnsName: hostname, zones } = await stack.cloud.nlb()
    const { usual, zone, authoritative } = await resolveEverywhere(hostname, stack.config.dns.servers)
    expect(authoritative.length, `Name servers of the zone ${zone}`).toBeGreaterThan(0)
    measure('addresses', usual.addresses.length, 'addresses')
    for (const { server, addresses } of [usual, ...authoritative]) {
      const count = new Set(addresses).size
      expect(count === zones.length).toHold(
        `${hostname} at ${server}: ${counted(count, 'address', 'addresses')} found (${addresses.join(', ')}); ` +
          `one for each of ${zones.length} zones is expected (${zones.join(', ')})`,
      )
    }
    return (
      `${hostname} resolves to ${usual.addresses.join(', ')} for the zones ${zones.join(', ')}; ` +
      `${counted(authoritative.length, 'name server')} of ${zone} ${authoritative.length === 1 ? 'agrees' : 'agree'}`
    )
  },
)
