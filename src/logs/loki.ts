import { proxyPath } from '../kube/forward.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'

interface QueryAnswer {
  status: string
  data?: { result?: { values?: [string, string][] }[] }
}

/**
 * Queries Loki (the Service of observability.loki, through the API server) until it has a line with `text`.
 * The query covers all streams that have a namespace, in the last 10 minutes.
 * @returns the lines, and the time until they were there in ms
 * @throws StackFailure at the deadline, or where Loki refuses the query
 */
export async function untilCollected(cluster: Cluster, text: string): Promise<{ lines: string[]; ms: number }> {
  const service = cluster.config.observability.loki
  if (!service) throw new StackFailure('Loki unknown: set observability.loki in stack.yaml.')
  const started = performance.now()
  let lines: string[] = []
  await cluster.eventually(
    `a line with ${text} in Loki`,
    async () => {
      const query = new URLSearchParams({ query: `{namespace=~".+"} |= "${text}"`, since: '10m', limit: '10' })
      const answer = await cluster.k8s.json<QueryAnswer>(`${proxyPath(service)}/loki/api/v1/query_range?${query}`)
      if (answer.status !== 'success')
        throw new StackFailure(`Loki: the query ended with status ${answer.status}, expected success.`)
      lines = (answer.data?.result ?? []).flatMap(({ values = [] }) => values.map(([, line]) => line))
      return lines.length ? undefined : 'no stream has such a line'
    },
    'collected',
  )
  return { lines, ms: performance.now() - started }
}
