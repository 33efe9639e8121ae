/** A request and its answer as Envoy logs them. */
export interface Logged {
  start: Date
  method: string
  path: string
  protocol: string
  code: number
  flags: string
  details: string
  bytesReceived: number
  bytesSent: number
  durationMs: number
  upstreamMs: number | undefined
  headers: Record<string, string | undefined>
  authority: string
  upstreamHost: string
  upstreamCluster: string
  upstreamLocal: string
  downstreamLocal: string
  downstreamRemote: string
  serverName: string
  routeName: string
}
