import { check } from '../../src/check/check.ts'
import { chainTroubles } from '../../src/traffic/certificates.ts'
import { securedService } from '../../src/tls/external-domain-tls.ts'
import { describeAnswer } from '../../src/traffic/http.ts'

check(
  'tls/knative-external-domain',
  {
    asserts: "with external-domain-tls, a Service's URL is https and it is served with its own certificate",
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['tls/certificate-issued', 'knative/hello-through-lb'],
    remedy: [
      'Set external-domain-tls: Enabled in config-network (auto-tls before 1.12): issuerRef alone has no effect',
      "Restart Knative's Deployment controller with kubectl rollout restart",
      "Check the Knative Certificate route-UID in the Service's namespace (kubectl get kcert)",
    ],
    within: 'scalingCheck',
  },
  async ({ stack, expect }) => {
    const { url, certificate, ca, key } = await securedService(stack)
    expect(url.protocol, `Service secured, scheme of its URL ${url.href}`).toBe('https:')
    const answer = await stack.ingress.until({ host: url.host, scheme: 'https' }, ({ status }) => status === 200)
    expect(answer.status, `GET ${url.href} (${describeAnswer(answer)}), status`).toBe(200)
    const { chain, error } = await stack.ingress.handshake({ sni: url.host })
    expect(error === undefined).toHold(`TLS handshake for ${url.host} failed: ${error}`)
    expect(chainTroubles(chain, ca, url.host), `Gateway, certificate for ${url.host}`).toBeNone()
    return `with ${key} ${url.href} got 200; its certificate ${certificate} is for ${chain[0]?.subjectAltName}`
  },
)
