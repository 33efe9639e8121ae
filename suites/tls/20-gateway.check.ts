import { check } from '../../src/check/check.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'tls/gateway-serves',
  {
    asserts:
      'a Gateway with tls.mode SIMPLE and credentialName serves HTTPS with that certificate, over TLS 1.2 or newer',
    guide: '4,5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/certificate-issued', 'mesh/gateway-address', 'mesh/crds'],
    remedy: [
      "Create the Secret with tls.crt and tls.key in the gateway's namespace",
      "Set credentialName to its name, and remove privateKey and serverCertificate (the guide's paths)",
    ],
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.shared(stack)
    expect(await site.troubles(), `Gateway, certificate for ${site.host}`).toBeNone()
    const { protocol } = await site.handshake()
    expect(['TLSv1.2', 'TLSv1.3'].includes(String(protocol))).toHold(
      `Gateway, TLS version for ${site.host}: found ${protocol}, expected TLSv1.2 or TLSv1.3`,
    )
    const old = await site.handshake({ maxVersion: 'TLSv1.1' })
    expect(old.error !== undefined).toHold(`Gateway: it accepted a handshake with TLS 1.1 for ${site.host}`)
    const answer = await stack.ingress.send({ host: site.host, scheme: 'https' })
    expect(
      [answer.status, answer.body],
      `GET https://${site.host}/ (${describeAnswer(answer)}), status and body`,
    ).toEqual([200, site.host])
    measure('time of a request with its handshake', answer.ms, 'ms')
    const serial = site.certificate.chain[0]?.serialNumber
    return (
      `https://${site.host}/ got 200 in ${Math.round(answer.ms)} ms over ${protocol} ` +
      `with certificate serial ${serial}; TLS 1.1 failed (${old.error})`
    )
  },
)

check(
  'tls/http-redirected',
  {
    asserts: 'with httpsRedirect on the HTTP server of a Gateway, plain HTTP gets 301 to https',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy: [
      'Set tls.httpsRedirect: true on the HTTP server, without certificate fields',
      'Remove it from the HTTPS server, where the guide has it: it has no effect there',
    ],
  },
  async ({ stack, expect }) => {
    const site = await TlsSite.shared(stack)
    await site.redirectHttp()
    const { host } = site
    const answer = await stack.ingress.until({ host, path: '/there?a=b' }, ({ status }) => status !== 404)
    expect(answer.status, `GET http://${host}/there?a=b (${describeAnswer(answer)}), status`).toBe(301)
    expect(answer.headers.location, `GET http://${host}/there?a=b, header location`).toBe(`https://${host}/there?a=b`)
    return `http://${host}/there?a=b got 301 to ${answer.headers.location}`
  },
)

check(
  'tls/sni-needed',
  {
    asserts: 'the gateway refuses TLS handshakes without the right SNI, whatever the Host header is',
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy: [
      'Replace "*" in the hosts of the HTTPS server of every Gateway by the hosts of its certificate',
      "Test with curl --resolve HOST:443:ADDRESS: the guide's curl to the load balancer's name cannot work",
    ],
  },
  async ({ stack, expect }) => {
    const { host } = await TlsSite.shared(stack)
    const [right, other, none] = await Promise.all([
      stack.ingress.handshake({ sni: host }),
      stack.ingress.handshake({ sni: `other.${host}` }),
      stack.ingress.handshake({ sni: '' }),
    ])
    expect(right.error === undefined).toHold(`TLS handshake with SNI ${host} failed: ${right.error}`)
    expect(other.error !== undefined).toHold(`TLS handshake with the unknown SNI other.${host} succeeded`)
    expect(none.error !== undefined).toHold('TLS handshake without SNI succeeded')
    const answer = await stack.ingress.send({ host, scheme: 'https', sni: `other.${host}` })
    expect(
      answer.status,
      `Request with Host ${host} and SNI other.${host} (${describeAnswer(answer)}), status (0: no answer)`,
    ).toBe(0)
    return `another SNI failed (${other.error}), also with the right Host; no SNI failed (${none.error})`
  },
)

check(
  'tls/session-resumption',
  {
    asserts: 'the gateway resumes a TLS session with the ticket of an earlier handshake',
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy: [
      'Look for an EnvoyFilter that disables session tickets on the gateway',
      'Expect 1 of N handshakes to resume with N gateway pods: each has its own ticket keys',
      'Remove enableAutoReload, which the guide sets: Istio has no such value',
    ],
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.shared(stack)
    const first = await site.handshake()
    expect(Boolean(first.session)).toHold(`TLS handshake for ${site.host}: the gateway gave no session ticket`)
    // Only the gateway pod that gave the ticket takes it; with three of them sixty handshakes miss it once in 10^10
    // runs.
    const again = await Promise.all(Array.from({ length: 60 }, () => site.handshake({ session: first.session ?? '' })))
    expect(
      again.filter(({ error }) => error).map(({ error }) => error),
      'TLS handshakes with a session ticket that failed',
    ).toBeNone()
    const resumed = again.filter(({ resumed }) => resumed).length
    measure('second handshakes that were resumed', resumed / again.length, 'of 1')
    expect(resumed, `TLS handshakes with a session ticket, resumed of ${again.length}`).toBeGreaterThan(0)
    const gateways = (await stack.istio.gatewayPods()).length
    return `${resumed} of ${again.length} handshakes with a ticket were resumed by ${counted(gateways, 'gateway pod')}`
  },
)
