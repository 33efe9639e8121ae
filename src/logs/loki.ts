import { proxyPath } from '../kube/forward.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'

interface QueryAnswer {
  status: string
  data?: { result?: { values?: [string, string][] }[] }
}

/**
 * Asks Loki (stack.yaml's observability.loki, a Service that the API server proxies to) until it has a line with `text`, and gives the
 * lines. The query is over all streams that have a namespace, of the last ten minutes.
 * @throws StackFailure at the deadline, or where Loki does not answer a query
 */
export async function untilCollected(cluster: Cluster, text: string): Promise<{ lines: string[]; ms: number }> {
  const service = cluster.config.observability.loki
  if (!service) throw new StackFailure('stack.yaml names no Loki (observability.loki).')
  const started = performance.now()
  let lines: string[] = []
  await cluster.eventually(
    `a line with ${text} in Loki`,
    async () => {
      const query = new URLSearchParams({ query: `{namespace=~".+"} |= "${text}"`, since: '10m', limit: '10' })
      const answer = await cluster.k8s.json<QueryAnswer>(`${proxyPath(service)}/loki/api/v1/query_range?${query}`)
      if (answer.status !== 'success') throw new StackFailure(`Loki answered the query with status ${answer.status}.`)
      lines = (answer.data?.result ?? []).flatMap(({ values = [] }) => values.map(([, line]) => line))
      return lines.length ? undefined : 'no stream has it'
    },
    'collected',
  )
  return { lines, ms: performance.now() - started }
}
