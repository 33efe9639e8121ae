import { check } from '../../src/check/check.ts'
import { EXPIRY_METRIC, expiryAlert } from '../../src/tls/expiry-alert.ts'
import { expiry } from '../../src/tls/expiring-certificates.ts'

const DAY_SECONDS = 86_400
/** The most that the clocks may differ: more makes certificates seem invalid and tokens expired. */
const CLOCK_SECONDS = 60

check(
  'tls/none-expiring',
  {
    asserts:
      'no serving certificate of the stack is past its renewal time, or expires within 30 days without being renewed ' +
      "(Certificates, gateways' Secrets, webhooks' CA bundles, the mesh's root); those of tenants are remarks",
    guide: '5',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe certificate,certificaterequest and read why the renewal failed',
      'Create a Certificate for a Secret that was created by hand: nothing renews it otherwise',
      'If the clocks differ, set the wrong one by NTP',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const skew = (Date.now() - (await stack.k8s.clock()).getTime()) / 1000
    measure("this machine's clock against the API server's", skew, 's')
    expect(Math.abs(skew) <= CLOCK_SECONDS).toHold(
      `the clocks of this machine and the API server differ by ${skew.toFixed(0)} s; ` +
        `at most ${CLOCK_SECONDS} s is allowed`,
    )
    const { certificates, secrets, bundles, findings } = await expiry(stack)
    expect(bundles, 'Webhooks with a CA bundle, number').toBeGreaterThan(0)
    for (const { text, tenant } of findings) if (tenant) remark(text, tenant)
    const own = findings.filter(({ tenant }) => !tenant).map(({ text }) => text)
    expect(own, 'Certificates that are expired, expire soon or are not Ready').toBeNone()
    const counts = `${certificates} Certificates, ${secrets} gateway Secrets, ${bundles} CA bundles`
    return `${counts} and the mesh's root certificate do not expire soon`
  },
)

check(
  'tls/expiry-alert',
  {
    asserts:
      "Prometheus has cert-manager's expiry metric of every Certificate and an alert on it, " +
      'and the alert fires only after a missed renewal',
    guide: '5',
    level: 'recommended',
    effect: 'reads',
    requires: ['prometheus'],
    needs: ['tls/cert-manager-ready'],
    remedy: [
      "Scrape cert-manager's port 9402",
      "Set the rule's threshold to 21 days: the guide's 30 days fire at every renewal of a 90-day certificate",
    ],
  },
  async ({ stack, expect }) => {
    const { name, query, threshold, scraped, samples, certificates, renewal } = await expiryAlert(stack)
    // A cluster without Certificates does not have this metric, and nothing to alert about.
    expect(samples, `Prometheus, series of ${EXPIRY_METRIC}, with one per Certificate`).toBeGreaterThanOrEqual(
      certificates,
    )
    const days = (threshold / DAY_SECONDS).toFixed(1)
    const renewalDays = (renewal / DAY_SECONDS).toFixed(1)
    expect(threshold < renewal).toHold(
      `Alert ${name} fires ${days} days before expiry (${query}); ` +
        `certificates are renewed ${renewalDays} days before, and the alert must fire later`,
    )
    return (
      `${name} fires ${days} days before expiry, certificates are renewed ${renewalDays} days before; ` +
      `${samples} series for ${certificates} Certificates, ${scraped} of cert-manager in all`
    )
  },
)
