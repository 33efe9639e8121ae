import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SharedKubeConfig } from '../src/kube/connection.ts'
import { Kubernetes } from '../src/kube/kubernetes.ts'

export type Handler = (
  request: IncomingMessage & { path: string; query: URLSearchParams; text: string },
  response: ServerResponse,
) => void

/** An HTTP server in the place of an API server: what it answers is the test's. Closes with `await using`. */
export async function fakeApi(handle: Handler) {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () =>
      handle(
        Object.assign(request, { path: url.pathname, query: url.searchParams, text: Buffer.concat(chunks).toString() }),
        response,
      ),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const config = new SharedKubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'tester' }],
    contexts: [{ name: 'fake', cluster: 'fake', user: 'tester' }],
    currentContext: 'fake',
  })
  return {
    api: new Kubernetes(config),
    async [Symbol.asyncDispose]() {
      await config.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function answer(response: ServerResponse, body: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

export const CORE = {
  resources: [
    { name: 'pods', kind: 'Pod', namespaced: true },
    { name: 'nodes', kind: 'Node', namespaced: false },
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
  ],
}
