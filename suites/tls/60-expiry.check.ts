import { check } from '../../src/check/check.ts'
import { ALERT, EXPIRY_METRIC, expiryAlert } from '../../src/tls/expiry-alert.ts'
import { expiry } from '../../src/tls/expiring-certificates.ts'

const DAY_SECONDS = 86_400
/** A clock that is off by more makes certificates too new or too old, tokens invalid, and logs hard to read. */
const CLOCK_SECONDS = 60

check(
  'tls/none-expiring',
  {
    asserts:
      "no serving certificate (Certificates, gateways' secrets, webhooks' CAs, the mesh's root) is past its renewal, or within 30 days of its end with nothing renewing it",
    guide: '5',
    level: 'required',
    effect: 'reads',
    needs: ['tls/cert-manager-ready'],
    remedy:
      'kubectl describe the Certificate and its CertificateRequest; a secret that was made by hand is renewed by nobody: make a Certificate for it. Where the clock is off, set it by NTP on the side that is wrong',
  },
  async ({ stack, expect, measure }) => {
    const skew = (Date.now() - (await stack.k8s.clock()).getTime()) / 1000
    measure("this machine's clock against the API server's", skew, 's')
    expect(
      Math.abs(skew),
      `seconds between this machine's clock and the API server's (${skew.toFixed(0)}; dates would be judged wrongly)`,
    ).toBeLessThanOrEqual(CLOCK_SECONDS)
    const { certificates, secrets, bundles, troubles } = await expiry(stack)
    expect(bundles, "webhooks' CA bundles that were looked at").toBeGreaterThan(0)
    expect(troubles, 'certificates that end').toBeNone()
    return `${certificates} Certificates, ${secrets} secrets of gateways, ${bundles} CA bundles and the mesh's root are in time`
  },
)

check(
  'tls/expiry-alert',
  {
    asserts: `the rule ${ALERT} is loaded, cert-manager is scraped, its metric has each Certificate, and it fires only for certificates that were not renewed in time`,
    guide: '5',
    level: 'recommended',
    effect: 'reads',
    requires: ['prometheus'],
    needs: ['tls/cert-manager-ready'],
    remedy:
      "scrape cert-manager's port 9402; 30 days, as the guide has it, fire at every renewal of a 90-day certificate: use 21",
  },
  async ({ stack, expect }) => {
    const { query, threshold, scraped, samples, certificates, renewal } = await expiryAlert(stack)
    // A cluster without Certificates has none of this metric, and nothing to warn of.
    expect(
      samples,
      `series of ${EXPIRY_METRIC}, one for each of ${certificates} Certificates that are there for minutes`,
    ).toBeGreaterThanOrEqual(certificates)
    expect(
      threshold,
      `seconds before the end at which it fires (${query}), against ${renewal} at which certificates are renewed`,
    ).toBeLessThan(renewal)
    return `${query}: ${threshold / DAY_SECONDS} days, renewal at ${(renewal / DAY_SECONDS).toFixed(1)}; ${samples} series of ${certificates} Certificates, ${scraped} of cert-manager`
  },
)
