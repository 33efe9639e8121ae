import http, { type RefinedResponse } from 'k6/http'
import { Trend } from 'k6/metrics'

/**
 * From a request's start to its first byte, or to its failure: one sample a request, with what became of it as tags.
 */
const firstByte = new Trend('first_byte', true)

/** A parameter from the environment, or its default. Without either the run ends at once and says what is missing. */
export function parameter(name: string, fallback?: string): string {
  const value = __ENV[name] ?? fallback
  if (value === undefined) throw new Error(`${name} is not set: k6 run -e ${name}=...`)
  return value
}

/** A parameter that is a number, 0 and above. */
export function amount(name: string, fallback?: number): number {
  const text = parameter(name, fallback?.toString())
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is "${text}", not a number of 0 and above`)
  return value
}

const url = parameter('URL')
const hold = amount('HOLD_MS', 0)
const host = parameter('HOST', '')
/** The IP of the host in URL, for https: the handshake asks for that host wherever it is. */
const address = parameter('ADDRESS', '')
/** Headers of every request, as JSON. */
const headers = JSON.parse(parameter('HEADERS', '{}')) as Record<string, string>
const timeout = amount('TIMEOUT_MS', 10_000)

/** What every script has in its options: few tags, no body kept, and a connection of its own for every request. */
export const plainly = {
  systemTags: ['status', 'error', 'error_code', 'scenario', 'name'],
  discardResponseBodies: true,
  noConnectionReuse: parameter('REUSE', '') === '',
  maxRedirects: 0,
  // What the certificate is worth other checks say; here the answers count.
  insecureSkipTLSVerify: true,
  ...(address ? { hosts: { [host]: address } } : {}),
}

/**
 * The VUs of an arrival rate: enough for every request to hang until its timeout, so that none has to wait for a free
 * one. Those for answers of four seconds more than they should take are made beforehand: to make one takes time, in
 * which k6 drops what is due.
 */
export const virtualUsers = (rate: number): { preAllocatedVUs: number; maxVUs: number } => ({
  preAllocatedVUs: Math.ceil(rate * (hold / 1000 + 4)) + 5,
  maxVUs: Math.ceil((rate * (hold + Math.max(timeout, 3000))) / 1000) + 5,
})

/** Requests a second that keep so many of HOLD_MS each under way (Little's law). */
export const rateOf = (concurrency: number): number => Math.max(1, Math.round((concurrency * 1000) / Math.max(1, hold)))

/** Sends one request and keeps its sample. */
export function ask(): RefinedResponse<'none'> {
  const began = Date.now()
  const response = http.get(`${url}${hold ? `?sleep=${hold}` : ''}`, {
    headers: { ...headers, ...(host ? { Host: host } : {}) },
    timeout,
    tags: { name: 'workload' },
    responseType: 'none',
  })
  const { blocked, sending, waiting } = response.timings
  const answered = response.status !== 0
  firstByte.add(answered ? blocked + sending + waiting : Date.now() - began, {
    status: String(response.status),
    ...(response.error ? { error: response.error } : {}),
    ...(response.headers['X-Version'] ? { version: response.headers['X-Version'] } : {}),
    ...(response.headers['X-Pod'] ? { pod: response.headers['X-Pod'] } : {}),
  })
  return response
}
