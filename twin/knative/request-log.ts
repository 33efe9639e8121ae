import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ContainerLog } from '../kubelet/container-log.ts'

/** The revision that a request was for. */
export interface LoggedRevision {
  name: string
  namespace: string
  pod: string
}

/** Writes the request log of the activator and queue-proxy after an answer, by the template of config-observability. */
export function logRequest(
  log: ContainerLog,
  template: string,
  request: IncomingMessage,
  response: ServerResponse,
  revision: LoggedRevision,
): void {
  const started = performance.now()
  response.on('close', () => {
    const values: Record<string, string> = {
      'Request.Method': request.method ?? '',
      'Request.RequestURI': request.url ?? '',
      'Request.UserAgent': String(request.headers['user-agent'] ?? ''),
      'Request.RemoteAddr': `${request.socket.remoteAddress}:${request.socket.remotePort}`,
      'Response.Code': String(response.statusCode),
      'Response.Latency': ((performance.now() - started) / 1000).toFixed(6),
      'Revision.Name': revision.name,
      'Revision.Namespace': revision.namespace,
      'Revision.PodName': revision.pod,
      TraceID: '',
    }
    log.write(template.replace(/\{\{\s*(?:js\s+)?\.([\w.]+)\s*\}\}/g, (_, name: string) => values[name] ?? ''))
  })
}
