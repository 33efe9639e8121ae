import http from 'node:http'
import type { Image } from './container.ts'

const PAGE =
  '<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n'

/** A stand-in for the nginx image: its welcome page on the port it declares, and a line in the log for each request. */
export const nginx: Image = async (container) => {
  const server = http.createServer((request, response) => {
    if (!String(request.headers['user-agent']).startsWith('kube-probe'))
      container.log.write(
        `${request.socket.remoteAddress} - - "${request.method} ${request.url} HTTP/${request.httpVersion}" ` +
          `200 ${PAGE.length} "-" "${request.headers['user-agent'] ?? '-'}"`,
      )
    response.writeHead(200, { 'content-type': 'text/html', server: 'nginx' }).end(PAGE)
  })
  const [declared] = (container.spec.ports ?? []) as { containerPort: number }[]
  await container.listen(server, declared?.containerPort ?? 80)
  return {}
}
