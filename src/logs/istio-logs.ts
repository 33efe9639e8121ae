import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from '../mesh/istio.ts'

const RECENT_SECONDS = 600

/** What istiod and the gateways' proxies have logged about configuration and certificates. */
export interface ControlPlaneLogs {
  pushes: number
  connections: number
  /** istiod's lines about configuration that proxies rejected, and the namespaces of these. */
  rejected: { line: string; namespace: string }[]
  /** How many gateways have a log that reaches back to their start, and how many of those logged a certificate. */
  reaching: number
  certificates: number
}

// istio/istio 1.31: pilot/pkg/xds/{ads,delta,discovery}.go and pkg/xds/server.go; 1.30 and older log "ADS: new
// connection".
const PUSH = /XDS: Pushing /
const CONNECTION = /ADS: new (?:delta )?connection for node:/
const REJECTED = /ADS:\w+: ACK ERROR (\S+).*/g
// security/pkg/nodeagent/cache/secretcache.go: the agent in the proxy's container logs it, not istiod.
const CERTIFICATE = /generated new workload certificate/
// The agent's first line, in its text or in JSON.
const STARTED = /(\t|"msg":")Proxy role\b/

/** Reads the logs of the gateway's istiod and of all its pods, as far as they reach back. */
export async function controlPlaneLogs(stack: Cluster & { istio: Istio }): Promise<ControlPlaneLogs> {
  const istiods = await stack.istio.istiodPods()
  const gateways = await stack.istio.gatewayPods()
  const logOf = (pod: (typeof istiods)[number], container: string, options = {}) =>
    stack.k8s.log({ name: pod.metadata?.name ?? '', namespace: pod.metadata?.namespace ?? '', container }, options)
  let [pushes, connections] = [0, 0]
  const rejected = new Map<string, string>()
  for (const pod of istiods) {
    const lines = (await logOf(pod, 'discovery')).split('\n')
    pushes += lines.filter((line) => PUSH.test(line)).length
    connections += lines.filter((line) => CONNECTION.test(line)).length
    const recent = await logOf(pod, 'discovery', { sinceSeconds: RECENT_SECONDS })
    for (const [line, connection = ''] of recent.matchAll(REJECTED)) rejected.set(line.slice(0, 300), connection)
  }
  let [reaching, certificates] = [0, 0]
  for (const pod of gateways) {
    const log = await logOf(pod, 'istio-proxy')
    if (!STARTED.test(log)) continue
    reaching++
    if (CERTIFICATE.test(log)) certificates++
  }
  return {
    ...{ pushes, connections, reaching, certificates },
    rejected: [...rejected].map(([line, connection]) => ({ line, namespace: namespaceOfConnection(connection) })),
  }
}

/** The namespace of a proxy by the name of its connection, 'POD.NAMESPACE-NUMBER'. */
const namespaceOfConnection = (connection: string): string => /\.([^.]+)-\d+$/.exec(connection)?.[1] ?? ''
