import http, { type Server } from 'node:http'

const SCOPES = ['ads', 'adsc', 'ca', 'default', 'delta', 'installer', 'model', 'validation']

/** istiod's introspection interface (ctrlz), as far as it turns the levels of its scopes. */
export function introspection(): Server {
  const levels = new Map(SCOPES.map((scope) => [scope, 'info']))
  const tell = (scope: string) => ({
    name: scope,
    description: `${scope} debugging`,
    output_level: levels.get(scope),
    stack_trace_level: 'none',
    log_callers: false,
  })
  return http.createServer((request, response) => {
    const [, root, scope = ''] = (request.url ?? '/').split('/')
    if (root !== 'scopej' || (scope && !levels.has(scope))) return void response.writeHead(404).end()
    if (request.method !== 'PUT') {
      response.setHeader('content-type', 'application/json')
      return void response.end(JSON.stringify(scope ? tell(scope) : SCOPES.map(tell)))
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { output_level: level } = JSON.parse(Buffer.concat(chunks).toString()) as { output_level?: string }
      if (level) levels.set(scope, level)
      response.writeHead(202).end()
    })
  })
}
