import { componentWorkloads, gatewayWorkloads, makesPod } from '../survey/stack-workloads.ts'
import type { Survey } from '../survey/survey.ts'
import type { KubernetesObject } from '../core/object.ts'
import { INSTRUMENT_LABEL } from '../traffic/agent-protocol.ts'

/**
 * What may be kept of a container's log: all of it, what is not a line of an access log that others' requests left, or
 * nothing.
 */
export type LogShare = 'all' | 'no traffic of others' | 'nothing'

// Those through which the requests of users go.
const PROXIES = new Set(['istio-proxy', 'activator', 'queue-proxy'])

/**
 * How much of a container's log a report may have. Our own pods wrote all of theirs for us. Of the stack's components
 * those through which traffic goes have lines of live users. Of any other pod nothing is kept: it is somebody's.
 */
export function logShare(pod: KubernetesObject, container: string, survey: Survey): LogShare {
  const { namespace = '', labels = {} } = pod.metadata ?? {}
  if (namespace.startsWith('plumb-') || labels[INSTRUMENT_LABEL]) return 'all'
  if (gatewayWorkloads(survey).some((workload) => makesPod(workload, pod))) return 'no traffic of others'
  if (!componentWorkloads(survey).some((workload) => makesPod(workload, pod))) return 'nothing'
  return PROXIES.has(container) ? 'no traffic of others' : 'all'
}

// A component's own line: '2026-01-01T00:00:00.000000Z\twarning\tenvoy config ...', or JSON with a level and no request
// in it. Below info Envoy writes the requests themselves.
const OWN_TEXT = /^\S+Z?\t(info|warn|warning|error|critical|fatal)\t/
const OWN_JSON = /^\{.*"(level|severity)":"(info|warn|warning|error|critical|fatal|panic)"/i
const REQUEST = /"(httpRequest|requestUrl|path|authority|request_id|response_code)":|"[A-Z]+ \S+ HTTP\//

/**
 * Whether a line is about a request of ours: its path is `/plumb-...`, or a host of a namespace of this run is in it.
 */
const isOurs = (line: string, runTag: string): boolean =>
  /\/plumb-[0-9a-f]{16}/.test(line) || new RegExp(`plumb-[a-z0-9-]+-${runTag}\\b`).test(line)

/** Those lines of a log that a report may have. `runTag` is the end of the names of this run's namespaces. */
export function keptLines(log: string, share: LogShare, runTag: string): string[] {
  const lines = log.split('\n').filter(Boolean)
  if (share === 'all') return lines
  if (share === 'nothing') return []
  return lines.filter(
    (line) => isOurs(line, runTag) || ((OWN_TEXT.test(line) || OWN_JSON.test(line)) && !REQUEST.test(line)),
  )
}
