import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Answers Knative's own probes (K-Network-Probe): `own` with its name, 'probe' (net-istio's) with the hash that came
 * along, another value with 400. Gives whether it was one.
 */
export function answerProbe(request: IncomingMessage, response: ServerResponse, own: string, ready = true): boolean {
  const value = request.headers['k-network-probe']
  if (value === undefined) return false
  if (value === 'probe') {
    const hash = request.headers['k-network-hash']
    if (hash === undefined) {
      response.writeHead(400).end('a probe request must contain a non-empty "K-Network-Hash" header')
    } else response.writeHead(200, { 'k-network-hash': hash }).end()
  } else if (value === own) response.writeHead(ready ? 200 : 503).end(ready ? own : 'queue not ready')
  else response.writeHead(400).end(`unexpected probe header value: "${String(value)}"`)
  return true
}
