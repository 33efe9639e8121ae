/** The code or text of a failed connection, or undefined where the problem is none. */
export function networkReason(problem: unknown): string | undefined {
  for (let at = problem as { code?: unknown; cause?: unknown; message?: string; errors?: unknown[] } | undefined; at;) {
    if (
      typeof at.code === 'string' &&
      /^(E[A-Z]+|UND_ERR_|HPE_|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_)/.test(at.code)
    )
      return at.code
    at = (at.cause ?? at.errors?.[0]) as typeof at
  }
  return undefined
}
