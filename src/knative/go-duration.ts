const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ h: 3_600_000, m: 60_000, s: 1000, ms: 1 },
  ...{ us: 1e-3, '\u00b5s': 1e-3, '\u03bcs': 1e-3, ns: 1e-6 },
}
const AMOUNT = /(\d+\.?\d*|\.\d+)(ms|[u\u00b5\u03bc]s|ns|[hms])/
const DURATION = new RegExp(`^[+-]?(?:0|(?:${AMOUNT.source})+)$`)

// Own code: the npm packages for Go durations take what Go rejects ("1d", "1h2", "1m 30s") and cut off below 1 ms.

/**
 * The milliseconds of a text that Go's time.ParseDuration takes, such as 1h30m, -1.5s or 0; undefined for any other.
 */
export function goDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  const amounts = text.matchAll(new RegExp(AMOUNT, 'g'))
  const ms = [...amounts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0)
  return text.startsWith('-') ? -ms : ms
}
