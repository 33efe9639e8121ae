import type { KubernetesObject } from '../core/object.ts'
import { CERTIFICATE } from './cert-manager.ts'
import { proxyPath } from '../kube/forward.ts'
import { conditionOf } from '../kube/until.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'

export const ALERT = 'CertificateExpiringSoon'
export const EXPIRY_METRIC = 'certmanager_certificate_expiration_timestamp_seconds'
const DAY_SECONDS = 86_400
/** cert-manager renews after two thirds of a certificate's lifetime: 30 of Let's Encrypt's 90 days remain then. */
const USUAL_RENEWAL_SECONDS = 30 * DAY_SECONDS

/** Two scrapes: where alerts matter the scrape interval is a minute at most. */
const SCRAPED_WITHIN_MS = 120_000

interface Rules {
  data?: { groups?: { rules?: { name?: string; type?: string; query?: string }[] }[] }
}

interface Answer {
  data?: { result?: { value: [number, string] }[] }
}

/** The alerting rule about expiring certificates, and what it is compared with. */
export interface ExpiryAlert {
  query: string
  /** How many seconds before a certificate expires it fires; NaN if its query has another form. */
  threshold: number
  /** How many series of cert-manager Prometheus has, and how many of the expiry metric. */
  scraped: number
  samples: number
  /** Certificates that were issued long enough ago to be in the metric. */
  certificates: number
  /** The fewest seconds before expiry at which a certificate is renewed. */
  renewal: number
}

/**
 * Reads the rule and its metric from Prometheus (observability.prometheus in stack.yaml).
 * @throws StackFailure if the rule is not loaded, or cert-manager is not scraped in time
 */
export async function expiryAlert(cluster: Cluster): Promise<ExpiryAlert> {
  const prometheus = proxyPath(cluster.config.observability.prometheus ?? '')
  const { data } = await cluster.k8s.json<Rules>(`${prometheus}/api/v1/rules?type=alert`)
  const rule = (data?.groups ?? []).flatMap(({ rules = [] }) => rules).find(({ name }) => name === ALERT)
  if (!rule?.query) throw new StackFailure(`Prometheus: no alerting rule ${ALERT} is loaded.`)
  const count = async (series: string): Promise<number> => {
    const query = new URLSearchParams({ query: `count(${series})` })
    const { data } = await cluster.k8s.json<Answer>(`${prometheus}/api/v1/query?${query}`)
    return Number(data?.result?.[0]?.value[1] ?? 0)
  }
  // A Prometheus that just started has not scraped cert-manager yet.
  let scraped = 0
  await cluster.eventually(
    "cert-manager's metrics in Prometheus",
    async () => {
      scraped = await count('{__name__=~"certmanager_.+"}')
      return scraped ? undefined : 'there is no series named certmanager_*'
    },
    'scraped',
  )
  const samples = await count(EXPIRY_METRIC)
  const certificates = await cluster.all(CERTIFICATE)
  const lead = certificates.flatMap(({ status }) =>
    status?.notAfter && status.renewalTime
      ? [(new Date(String(status.notAfter)).getTime() - new Date(String(status.renewalTime)).getTime()) / 1000]
      : [],
  )
  return {
    query: rule.query,
    threshold: thresholdOf(rule.query),
    scraped,
    samples,
    certificates: countScrapable(certificates, Date.now()),
    renewal: Math.min(USUAL_RENEWAL_SECONDS, ...lead),
  }
}

/** How many Certificates were issued long enough ago to have been scraped since. */
export const countScrapable = (certificates: readonly KubernetesObject[], now: number): number =>
  certificates.filter(({ status }) => {
    const issued = conditionOf({ status }, 'Ready') as { status: string; lastTransitionTime?: string } | undefined
    return issued?.status === 'True' && now - Date.parse(issued.lastTransitionTime ?? '') > SCRAPED_WITHIN_MS
  }).length

/** The seconds in 'METRIC - time() < 86400 * 21'; NaN for a query of another form. */
export function thresholdOf(query: string): number {
  const bound = new RegExp(
    `${EXPIRY_METRIC}(?:\\{[^}]*\\})?\\s*-\\s*time\\(\\)\\s*\\)?\\s*<\\s*\\(?([\\d.*\\s]+)\\)?$`,
  ).exec(query.trim())
  return bound?.[1] ? bound[1].split('*').reduce((product, factor) => product * Number(factor), 1) : NaN
}
