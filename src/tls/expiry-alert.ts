import type { KubernetesObject } from '../core/object.ts'
import { CERTIFICATE } from './cert-manager.ts'
import { proxyPath } from '../kube/forward.ts'
import { conditionOf } from '../kube/until.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'

export const ALERT = 'CertificateExpiringSoon'
export const EXPIRY_METRIC = 'certmanager_certificate_expiration_timestamp_seconds'
const DAY_SECONDS = 86_400
/** cert-manager renews at two thirds of a life: of Let's Encrypt's ninety days thirty are left then. */
const USUAL_RENEWAL_SECONDS = 30 * DAY_SECONDS

/** Scrapes are a minute apart at most where somebody wants alerts. */
const SCRAPED_WITHIN_MS = 120_000

interface Rules {
  data?: { groups?: { rules?: { name?: string; type?: string; query?: string }[] }[] }
}

interface Answer {
  data?: { result?: { value: [number, string] }[] }
}

/** The rule that tells of certificates that are about to end, and what it is compared with. */
export interface ExpiryAlert {
  query: string
  /** How many seconds before a certificate's end it fires; NaN where its query is of another shape. */
  threshold: number
  /** How many series Prometheus has of cert-manager at all, and how many of the metric. */
  scraped: number
  samples: number
  /** Certificates that have stood long enough to be in the metric. */
  certificates: number
  /** How many seconds before their end certificates are renewed, the least of them. */
  renewal: number
}

/**
 * Asks Prometheus (stack.yaml's observability.prometheus) for the rule and its metric.
 * @throws StackFailure where no such rule is loaded, or cert-manager is not scraped in time
 */
export async function expiryAlert(cluster: Cluster): Promise<ExpiryAlert> {
  const prometheus = proxyPath(cluster.config.observability.prometheus ?? '')
  const { data } = await cluster.k8s.json<Rules>(`${prometheus}/api/v1/rules?type=alert`)
  const rule = (data?.groups ?? []).flatMap(({ rules = [] }) => rules).find(({ name }) => name === ALERT)
  if (!rule?.query) throw new StackFailure(`Prometheus has loaded no alerting rule ${ALERT}.`)
  const count = async (series: string): Promise<number> => {
    const query = new URLSearchParams({ query: `count(${series})` })
    const { data } = await cluster.k8s.json<Answer>(`${prometheus}/api/v1/query?${query}`)
    return Number(data?.result?.[0]?.value[1] ?? 0)
  }
  // A Prometheus that has just started has not scraped anything yet.
  let scraped = 0
  await cluster.eventually(
    "cert-manager's metrics in Prometheus",
    async () => {
      scraped = await count('{__name__=~"certmanager_.+"}')
      return scraped ? undefined : 'it has none of them'
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
    certificates: longThere(certificates, Date.now()),
    renewal: Math.min(USUAL_RENEWAL_SECONDS, ...lead),
  }
}

/** How many Certificates were issued long enough ago to have been scraped since. */
export const longThere = (certificates: readonly KubernetesObject[], now: number): number =>
  certificates.filter(({ status }) => {
    const issued = conditionOf({ status }, 'Ready') as { status: string; lastTransitionTime?: string } | undefined
    return issued?.status === 'True' && now - Date.parse(issued.lastTransitionTime ?? '') > SCRAPED_WITHIN_MS
  }).length

/** The seconds in 'METRIC - time() < 86400 * 21'; NaN for a query of another shape. */
export function thresholdOf(query: string): number {
  const bound = new RegExp(
    `${EXPIRY_METRIC}(?:\\{[^}]*\\})?\\s*-\\s*time\\(\\)\\s*\\)?\\s*<\\s*\\(?([\\d.*\\s]+)\\)?$`,
  ).exec(query.trim())
  return bound?.[1] ? bound[1].split('*').reduce((product, factor) => product * Number(factor), 1) : NaN
}
