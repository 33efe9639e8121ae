import { check } from '../../src/check/check.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'

check(
  'tls/gateway-serves',
  {
    asserts:
      'a Gateway with SIMPLE and credentialName shows that certificate by SNI, over TLS 1.2 or later alone, and the request is served',
    guide: '4,5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/certificate-issued', 'mesh/version', 'mesh/gateway-address', 'mesh/gateway-ports', 'mesh/crds'],
    remedy:
      "the secret must stand in the gateway's own namespace with tls.crt and tls.key, and credentialName must name it; the guide's privateKey path is of another secret",
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.shared(stack)
    expect(await site.troubles(), `what is wrong with the certificate that ${site.host} shows`).toBeNone()
    const { protocol } = await site.handshake()
    expect(['TLSv1.2', 'TLSv1.3'], `the protocol (${protocol})`).toContain(protocol)
    const old = await site.handshake({ maxVersion: 'TLSv1.1' })
    expect(old.error, 'the error of a handshake that offers no more than TLS 1.1').toBeDefined()
    const answer = await stack.ingress.send({ host: site.host, scheme: 'https' })
    expect([answer.status, answer.body], `what https://${site.host}/ answers (${describeAnswer(answer)})`).toEqual([
      200,
      site.host,
    ])
    measure('time of a request with its handshake', answer.ms, 'ms')
    return `${protocol}, serial ${site.certificate.chain[0]?.serialNumber}; 200 in ${Math.round(answer.ms)} ms; TLS 1.1: ${old.error}`
  },
)

check(
  'tls/http-redirected',
  {
    asserts: 'httpsRedirect on the HTTP server: plain HTTP gets 301 to https',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy:
      'httpsRedirect belongs to the server of port 80, without certificate fields; on the HTTPS server, where the guide has it, it does nothing',
  },
  async ({ stack, expect }) => {
    const { host } = await TlsSite.shared(stack)
    const answer = await stack.ingress.until({ host, path: '/there?a=b' }, ({ status }) => status !== 404)
    expect(answer.status, `status of http://${host}/there (${describeAnswer(answer)})`).toBe(301)
    expect(answer.headers.location, 'where it sends to').toBe(`https://${host}/there?a=b`)
    return `301 to ${answer.headers.location}`
  },
)

check(
  'tls/sni-needed',
  {
    asserts:
      "without the right SNI the gateway resets the connection, whatever the Host header says: the guide's curl by the load balancer's name cannot work",
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy:
      'a Gateway with an HTTPS server for the host "*" shows its certificate to everybody: give it the hosts that it is for; to try by hand use curl --resolve HOST:443:ADDRESS',
  },
  async ({ stack, expect }) => {
    const { host } = await TlsSite.shared(stack)
    const [right, other, none] = await Promise.all([
      stack.ingress.handshake({ sni: host }),
      stack.ingress.handshake({ sni: `other.${host}` }),
      stack.ingress.handshake({ sni: '' }),
    ])
    expect(right.error, 'the error of a handshake with the right SNI').toBeUndefined()
    expect(other.error, 'the error of a handshake with another SNI').toBeDefined()
    expect(none.error, 'the error of a handshake without SNI').toBeDefined()
    const answer = await stack.ingress.send({ host, scheme: 'https', sni: `other.${host}` })
    expect(
      answer.status,
      `status with the right Host and another SNI, 0 for no answer (${describeAnswer(answer)})`,
    ).toBe(0)
    return `another SNI: ${other.error}; none: ${none.error}; with the right Host: ${describeAnswer(answer)}`
  },
)

check(
  'tls/session-resumption',
  {
    asserts: "a second handshake with the first one's ticket is resumed",
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy:
      'each gateway pod has ticket keys of its own: with N pods about one of N second handshakes is resumed; enableAutoReload, which the guide sets for it, is no value of Istio',
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.shared(stack)
    const first = await site.handshake()
    expect(first.session, 'the ticket of the first handshake').toBeTruthy()
    // Only the gateway pod that gave the ticket takes it; with three of them sixty handshakes miss it once in 10^10 runs.
    const again = await Promise.all(Array.from({ length: 60 }, () => site.handshake({ session: first.session ?? '' })))
    expect(
      again.filter(({ error }) => error).map(({ error }) => error),
      'handshakes with a ticket that failed',
    ).toBeNone()
    const resumed = again.filter(({ resumed }) => resumed).length
    measure('second handshakes that were resumed', resumed / again.length, 'of 1')
    expect(resumed, `second handshakes of ${again.length} that were resumed`).toBeGreaterThan(0)
    return `${resumed} of ${again.length} second handshakes resumed, ${(await stack.istio.gatewayPods()).length} gateway pods`
  },
)
