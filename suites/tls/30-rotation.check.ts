import { check } from '../../src/check/check.ts'
import { failuresOf, type Sample } from '../../src/traffic/samples.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'

/** New connections a second, each with its handshake, while a certificate is changed. */
const RATE = 50

/** How long after `from` the last handshake showed the old certificate, in seconds. */
const lastOf = (samples: readonly Sample[], serial: string, from: number): number =>
  Math.max(0, (samples.findLast((sample) => sample.serial === serial)?.due ?? from) - from) / 1000

check(
  'tls/reissued-on-delete',
  {
    asserts:
      'the secret of a Certificate deleted: issued again with another serial number, shown by every gateway within 60 s, no failed handshake meanwhile; a secret that no Certificate owns is not deleted',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy:
      "see the events of the Certificate, and whether cert-manager runs; the guide's knative-tls was made by hand: deleted, it is gone",
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.open(stack, 'reissued')
    const { namespace } = stack.config.gateway
    const before = site.certificate.chain[0]?.serialNumber ?? ''
    const orphan = await stack.changes.place({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `plumb-orphan-${stack.runTag}`, namespace },
      stringData: { 'tls.crt': 'none' },
    })
    await expect(
      stack.certManager.deleteSecret(orphan.metadata?.name ?? '', namespace),
      'deleting a secret that no Certificate owns',
    ).rejects.toThrow(/no Certificate's/)
    const { samples, result } = await stack.ingress.probeWhile(
      { host: site.host, scheme: 'https' },
      { rate: RATE },
      async (prober) => {
        const from = prober.now
        await stack.certManager.deleteSecret(site.certificate.secretName, namespace)
        const serial = await stack.certManager.untilReissued(site.certificate.secretName, before)
        await site.untilServed(serial)
        return { from, serial }
      },
    )
    expect(result.serial, 'the new serial number').not.toBe(before)
    expect(failuresOf(samples), `failed handshakes and requests of ${samples.length}`).toEqual({})
    const seconds = lastOf(samples, before, result.from)
    measure('time until no gateway showed the old certificate', seconds, 's')
    return `serial ${before} to ${result.serial}, the old one last shown after ${seconds.toFixed(1)} s; none of ${samples.length} handshakes failed`
  },
)

check(
  'tls/renewed',
  {
    asserts: 'a renewal (condition Issuing) changes the serial number with no failed handshake',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy:
      'kubectl describe the Certificate and its CertificateRequest; then istioctl proxy-config secret of the gateway',
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.open(stack, 'renewed')
    const before = site.certificate.chain[0]?.serialNumber ?? ''
    const { samples, result } = await stack.ingress.probeWhile(
      { host: site.host, scheme: 'https' },
      { rate: RATE },
      async (prober) => {
        const from = prober.now
        await stack.certManager.renew(site.certificate.name)
        const serial = await stack.certManager.untilReissued(site.certificate.secretName, before)
        await site.untilServed(serial)
        return { from, serial }
      },
    )
    expect(result.serial, 'the new serial number').not.toBe(before)
    expect(await site.troubles(), `what is wrong with the certificate that ${site.host} shows now`).toBeNone()
    expect(failuresOf(samples), `failed handshakes and requests of ${samples.length}`).toEqual({})
    const seconds = lastOf(samples, before, result.from)
    measure('time until no gateway showed the old certificate', seconds, 's')
    return `serial ${before} to ${result.serial}, the old one last shown after ${seconds.toFixed(1)} s; none of ${samples.length} handshakes failed`
  },
)
