import { check } from '../../src/check/check.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'

check(
  'tls/nlb-443-healthy',
  {
    asserts:
      'with a TLS server on the gateway the targets of port 443 are healthy, ' +
      'and the listener is TCP, or TLS with an ACM certificate, as expect.nlb.tls says where it is set',
    guide: '2,5',
    level: 'required',
    effect: 'writes',
    requires: ['nlb'],
    needs: ['tls/gateway-serves'],
    remedy: [
      'Create a Gateway with a TLS server: without one the gateway does not listen, and the targets are unhealthy',
      'Set or remove the annotation aws-load-balancer-ssl-cert: with it the load balancer terminates TLS',
    ],
  },
  async ({ stack, expect }) => {
    await TlsSite.shared(stack)
    const { protocol, certificates, targets } = await stack.cloud.untilHealthy(443)
    const { tls } = stack.config.expect.nlb
    const listener = `NLB listener on port 443 (expect.nlb.tls of stack.yaml: ${tls ?? 'not set'})`
    const expected = tls ? [tls === 'acm' ? 'TLS' : 'TCP'] : ['TCP', 'TLS']
    expect(expected.includes(protocol)).toHold(
      `${listener}, protocol: found ${protocol}, expected ${expected.join(' or ')}`,
    )
    if (protocol === 'TLS') expect(certificates.length, `${listener}, number of ACM certificates`).toBeGreaterThan(0)
    expect(
      targets.map(({ state }) => state),
      `${listener}, states of its targets`,
    ).toEqual(targets.map(() => 'healthy'))
    return `the listener on port 443 is ${protocol} and has ${targets.length} healthy targets`
  },
)
