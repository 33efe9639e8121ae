import { check } from '../../src/check/check.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'

check(
  'tls/nlb-443-healthy',
  {
    asserts:
      'with a TLS server on the gateway the target group of 443 is healthy, and the listener is TCP, or TLS with a certificate of ACM where stack.yaml says so',
    guide: '2,5',
    level: 'required',
    effect: 'writes',
    requires: ['nlb'],
    needs: ['tls/gateway-serves'],
    remedy:
      'without a Gateway with a TLS server nobody listens for 443, and its targets are unhealthy; a TLS listener ends TLS before the gateway sees it (aws-load-balancer-ssl-cert)',
  },
  async ({ stack, expect }) => {
    await TlsSite.shared(stack)
    const { protocol, certificates, targets } = await stack.cloud.untilHealthy(443)
    const wanted = stack.config.nlb.tls === 'acm' ? 'TLS' : 'TCP'
    expect(protocol, `protocol of the listener on 443 (stack.yaml's nlb.tls is ${stack.config.nlb.tls})`).toBe(wanted)
    if (wanted === 'TLS') expect(certificates.length, 'certificates of the listener, of ACM').toBeGreaterThan(0)
    expect(
      targets.map(({ state }) => state),
      'states of its targets',
    ).toEqual(targets.map(() => 'healthy'))
    return `${protocol} on 443, ${targets.length} healthy targets`
  },
)
