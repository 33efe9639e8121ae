import { check } from '../../src/check/check.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { untilTargetsHealthy } from '../../src/mesh/nlb-targets.ts'
import { theGateway } from '../../src/survey/surveyed.ts'
import { httpsPortOf } from '../../src/survey/traffic-ports.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'tls/nlb-443-healthy',
  {
    asserts:
      "with a TLS server on the gateway the targets of its Service's port for HTTPS are healthy, " +
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
    const port = httpsPortOf(await theGateway(stack))?.port
    if (port === undefined) throw new DoesNotApply("The gateway's Service has no port for HTTPS.")
    await TlsSite.shared(stack)
    const { listener: found, healthy } = await untilTargetsHealthy(stack, port)
    const { protocol, certificates } = found
    const { tls } = stack.config.expect.nlb
    const listener = `NLB listener on port ${found.port} (expect.nlb.tls of stack.yaml: ${tls ?? 'not set'})`
    const expected = tls ? [tls === 'acm' ? 'TLS' : 'TCP'] : ['TCP', 'TLS']
    expect(expected.includes(protocol)).toHold(
      `${listener}, protocol: found ${protocol}, expected ${expected.join(' or ')}`,
    )
    if (protocol === 'TLS') expect(certificates.length, `${listener}, number of ACM certificates`).toBeGreaterThan(0)
    expect(healthy.length, `${listener}, healthy targets`).toBeGreaterThan(0)
    return `The listener on port ${found.port} is ${protocol} and has ${counted(healthy.length, 'healthy target')}`
  },
)
