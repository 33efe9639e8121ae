import type { KubernetesObject } from '../core/object.ts'
import { CERTIFICATE } from './cert-manager.ts'
import { proxyPath } from '../kube/forward.ts'
import { conditionOf } from '../kube/until.ts'
import { NotLookedAt, StackFailure } from '../core/problem.ts'
import { isOfStack, stackNamespaces } from '../survey/stack-namespaces.ts'
import type { Cluster } from '../cluster/cluster.ts'

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

/** The alerting rule about expiring certificates that fires first, and what it is compared with. */
export interface ExpiryAlert {
  name: string
  query: string
  /** How many seconds before a certificate expires it fires. */
  threshold: number
  /** How many series of cert-manager Prometheus has, and how many of the expiry metric. */
  scraped: number
  samples: number
  /** Certificates that were issued long enough ago to be in the metric. */
  certificates: number
  /** The fewest seconds before expiry at which a certificate of the stack is renewed. */
  renewal: number
}

/**
 * Reads the rules on cert-manager's expiry metric, whatever their names, from Prometheus (observability.prometheus in
 * stack.yaml).
 * @throws StackFailure if none is loaded, or cert-manager is not scraped in time; NotLookedAt if none compares the time
 * that is left with a number
 */
export async function expiryAlert(cluster: Cluster): Promise<ExpiryAlert> {
  const prometheus = proxyPath(cluster.config.observability.prometheus ?? '')
  const { data } = await cluster.k8s.json<Rules>(`${prometheus}/api/v1/rules?type=alert`)
  const rules = (data?.groups ?? []).flatMap(({ rules = [] }) => rules)
  const rule = firstToFire(rules)
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
  const own = stackNamespaces(await cluster.survey())
  const lead = certificates
    .filter((each) => isOfStack(own, each))
    .flatMap(({ status }) =>
      status?.notAfter && status.renewalTime
        ? [(new Date(String(status.notAfter)).getTime() - new Date(String(status.renewalTime)).getTime()) / 1000]
        : [],
    )
  return {
    ...rule,
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

interface Rule {
  name?: string
  query?: string
}

/**
 * Of the rules on the expiry metric the one that fires first.
 * @throws StackFailure if there is none, NotLookedAt if none has a threshold that can be read
 */
export function firstToFire(rules: readonly Rule[]): { name: string; query: string; threshold: number } {
  const about = rules.filter(({ query }) => query?.includes(EXPIRY_METRIC))
  if (about.length === 0) throw new StackFailure(`Prometheus: no alerting rule on ${EXPIRY_METRIC} is loaded.`)
  const [first] = about
    .map(({ name = '', query = '' }) => ({ name, query, threshold: thresholdOf(query) }))
    .filter(({ threshold }) => !Number.isNaN(threshold))
    .toSorted((a, b) => b.threshold - a.threshold)
  if (!first)
    throw new NotLookedAt(
      `Prometheus: when ${about.map(({ name }) => name).join(' and ')} fires cannot be read from ${about[0]?.query}.`,
    )
  return first
}

const NUMBER = String.raw`\(?\s*(\d[\d.*\s]*?)\s*\)?`

/**
 * The seconds in 'METRIC - time() < 86400 * 21', which may have labels, an aggregation around it and a unit to divide
 * by; NaN for a query of another form.
 */
export function thresholdOf(query: string): number {
  const form = new RegExp(
    String.raw`${EXPIRY_METRIC}(?:\{[^}]*\})?[\s)]*-\s*time\(\)[\s)]*(?:/\s*${NUMBER}[\s)]*)?<\s*${NUMBER}\s*$`,
  )
  const [, unit = '1', bound] = form.exec(query.trim()) ?? []
  return bound === undefined ? NaN : product(unit) * product(bound)
}

const product = (text: string): number => text.split('*').reduce((total, factor) => total * Number(factor), 1)
