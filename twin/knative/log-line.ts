/** A line of a Knative component's log, as zap writes it in JSON. */
export const logLine = (
  severity: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR',
  logger: string,
  message: string,
  more: Record<string, unknown> = {},
): string =>
  JSON.stringify({
    severity,
    timestamp: new Date().toISOString().replace('Z', '000000Z'),
    logger,
    caller: 'twin/twin.ts:1',
    message,
    commit: 'twin',
    ...more,
  })
