import { check } from '../../src/check/check.ts'
import { chainTroubles } from '../../src/traffic/certificates.ts'
import { securedService } from '../../src/tls/external-domain-tls.ts'
import { describeAnswer } from '../../src/traffic/http.ts'

check(
  'tls/knative-external-domain',
  {
    asserts:
      "with config-certmanager's issuerRef and certificates for external domains on, a Service's URL is https, and it is served with a certificate of its own",
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['tls/certificate-issued', 'knative/hello-through-lb'],
    remedy:
      'issuerRef alone does nothing: set external-domain-tls: Enabled (auto-tls before 1.12) in config-network and restart the controller; then look at the Knative Certificate route-UID in the namespace of the Service',
    within: 'scalingCheck',
  },
  async ({ stack, expect }) => {
    const { url, certificate, ca, key } = await securedService(stack)
    expect(url.protocol, "the scheme of the Service's URL").toBe('https:')
    const answer = await stack.ingress.until({ host: url.host, scheme: 'https' }, ({ status }) => status === 200)
    expect(answer.status, `what ${url.href} answers (${describeAnswer(answer)})`).toBe(200)
    const { chain, error } = await stack.ingress.handshake({ sni: url.host })
    expect(error, 'the error of a handshake').toBeUndefined()
    expect(chainTroubles(chain, ca, url.host), `what is wrong with the certificate that ${url.host} shows`).toBeNone()
    return `${key}: ${url.href} 200, with ${chain[0]?.subjectAltName} of ${certificate}`
  },
)
