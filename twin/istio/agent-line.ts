import type { Container } from '../kubelet/container.ts'

/** The argument by which istiod and its agents write JSON. */
export const AS_JSON = '--log_as_json'

/**
 * A line of istiod or of a proxy's agent: fields between tabs, or a JSON object where --log_as_json is given. `scope`
 * is empty for the default one.
 */
export function agentLine(asJson: boolean, level: string, scope: string, message: string): string {
  const time = new Date().toISOString()
  if (!asJson) return [time, level, scope, message].filter(Boolean).join('\t')
  return JSON.stringify({ level, time, ...(scope ? { scope } : {}), msg: message })
}

/** A line of the agent of a proxy's container. */
export const proxyLine = ({ spec }: Container, level: string, scope: string, message: string): string =>
  agentLine(((spec.args ?? []) as string[]).includes(AS_JSON), level, scope, message)
