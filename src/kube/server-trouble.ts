import type { ApiStatus } from './errors.ts'

/** A call as far as its retries depend on it. */
export interface Attempted {
  method: string
  /** With its query. */
  path: string
}

// What the API server says of a Service, pod or node that it could not reach for a caller of its proxy.
const UNREACHABLE_BACKEND = /no endpoints available|error trying to reach|dial tcp|unable to find|address not allowed/i
// A webhook that does not answer refuses what it guards with 500; checks expect that, and no retry heals it.
const WEBHOOK = /failed calling webhook|failed to call webhook|admission webhook|conversion webhook/i
// Priority and Fairness rejects in plain text, before any backend is asked.
const REJECTED_IN_QUEUE = /^Too many requests, please try again later/
// metrics-server and its like stand behind the API server's own paths; 503 is how the aggregator says that they are
// down.
const AGGREGATED = /^\/apis\/(custom\.|external\.)?metrics\.k8s\.io\//

/** Whether a request may be sent twice: the second changes nothing that the first has not. */
export const isIdempotent = ({ method, path }: Attempted): boolean => method !== 'POST' || /[?&]dryRun=All\b/.test(path)

/**
 * Whether an answer of 400 and above is trouble of the API server itself: overload, a restart, a lost etcd. Such a call
 * is tried again. What a disruption budget, a webhook or a proxied backend says is no trouble of the server but
 * something found.
 */
export function isServerTrouble(call: Attempted, status: ApiStatus): boolean {
  const message = status.message ?? ''
  if (status.code !== 429 && status.code < 500) return false
  if (status.code === 501 || status.code === 505) return false
  if (WEBHOOK.test(message) || AGGREGATED.test(call.path)) return false
  if (status.code === 429 && isBudget(call, status)) return false
  if (!/\/proxy(\/|\?|$)/.test(call.path)) return true
  if (REJECTED_IN_QUEUE.test(message)) return true
  return status.kind === 'Status' && !UNREACHABLE_BACKEND.test(message)
}

/** The eviction API answers 429 where a PodDisruptionBudget forbids it (registry/core/pod/rest/eviction.go). */
const isBudget = ({ path }: Attempted, { details, message = '' }: ApiStatus): boolean =>
  /\/eviction(\?|$)/.test(path) &&
  ((details?.causes ?? []).some(({ reason }) => reason === 'DisruptionBudget') || /disruption budget/i.test(message))

/** Whether nothing has been done of a call that was answered so: it was turned away before its work began. */
export const wasTurnedAway = ({ code }: ApiStatus): boolean => code === 429 || code === 503

/**
 * Retry-After in milliseconds from now: seconds, or a date (RFC 9110, 10.2.3). Undefined where there is none, or no
 * sense in it.
 */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (!header) return undefined
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : new Date(header).getTime() - now
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
