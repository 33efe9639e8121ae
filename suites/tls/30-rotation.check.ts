import { check } from '../../src/check/check.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { failuresOf, type Sample } from '../../src/traffic/samples.ts'
import { TlsSite } from '../../src/tls/tls-site.ts'

/** New connections a second, each with its handshake, while a certificate is replaced. */
const RATE = 50

/** What a site's replaced certificate did to the traffic. */
interface Replacement {
  samples: Sample[]
  /** The serial numbers of the old and the new certificate. */
  before: string
  after: string
  /** Seconds from the start of the replacement to the last handshake with the old certificate. */
  seconds: number
}

/** Has a certificate replaced by `start` under traffic, and waits until every gateway pod serves the new one. */
async function replaceCertificate(stack: Stack, site: TlsSite, start: () => Promise<void>): Promise<Replacement> {
  const before = site.certificate.chain[0]?.serialNumber ?? ''
  const { samples, result } = await stack.ingress.probeWhile(
    { host: site.host, scheme: 'https' },
    { rate: RATE },
    async (prober) => {
      const from = prober.now
      await start()
      const serial = await stack.certManager.untilReissued(site.certificate, before)
      await site.untilServed(serial)
      return { from, serial }
    },
  )
  const lastOld = samples.findLast(({ serial }) => serial === before)?.due ?? result.from
  return { samples, before, after: result.serial, seconds: Math.max(0, lastOld - result.from) / 1000 }
}

const describeReplacement = ({ samples, before, after, seconds }: Replacement): string =>
  `certificate serial ${before} was replaced by ${after}, and last served after ${seconds.toFixed(1)} s; ` +
  `none of ${samples.length} handshakes failed`

check(
  'tls/reissued-on-delete',
  {
    asserts:
      'after the Secret of a Certificate is deleted, cert-manager issues it again and every gateway pod serves it ' +
      'within 60 s without a failed handshake; a Secret that no Certificate owns is not deleted',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy: [
      'Check the events of the Certificate with kubectl describe certificate, and that cert-manager runs',
      "Create a Certificate for a Secret that was created by hand, like the guide's knative-tls",
    ],
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.open(stack, 'reissued')
    const { namespace } = site.certificate
    const orphan = await stack.changes.place({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `plumb-orphan-${stack.runTag}`, namespace },
      stringData: { 'tls.crt': 'none' },
    })
    await expect(
      stack.certManager.deleteSecret(orphan.metadata?.name ?? '', namespace),
      'Deletion of a Secret that no Certificate owns',
    ).rejects.toThrow(/no Certificate owns it/)
    const replacement = await replaceCertificate(stack, site, () =>
      stack.certManager.deleteSecret(site.certificate.secretName, namespace),
    )
    const { samples, before, after, seconds } = replacement
    expect(after, `Secret ${namespace}/${site.certificate.secretName}, serial number`).not.toBe(before)
    expect(failuresOf(samples), `Failed handshakes and requests of ${samples.length}`).toEqual({})
    measure('time until no gateway showed the old certificate', seconds, 's')
    return describeReplacement(replacement)
  },
)

check(
  'tls/renewed',
  {
    asserts: 'a renewal of a Certificate (condition Issuing) replaces it without a failed handshake',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/gateway-serves'],
    remedy: [
      'Run kubectl describe certificate,certificaterequest and read why the renewal failed',
      'Compare the certificate in the gateway with istioctl proxy-config secret',
    ],
  },
  async ({ stack, expect, measure }) => {
    const site = await TlsSite.open(stack, 'renewed')
    const replacement = await replaceCertificate(stack, site, () => stack.certManager.renew(site.certificate))
    const { samples, before, after, seconds } = replacement
    expect(after, `Secret ${site.certificate.secretName}, serial number`).not.toBe(before)
    expect(await site.troubles(), `Gateway, new certificate for ${site.host}`).toBeNone()
    expect(failuresOf(samples), `Failed handshakes and requests of ${samples.length}`).toEqual({})
    measure('time until no gateway showed the old certificate', seconds, 's')
    return describeReplacement(replacement)
  },
)
