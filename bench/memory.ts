// Prints the peak memory of reading a big cluster: npm run bench:memory. This process serves the cluster, a child reads
// it.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newRunId, type RunInfo } from '../src/config/run-info.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { Cluster } from '../src/cluster/cluster.ts'

/** How many objects of each kind the cluster has; a pod is as big as one of a service mesh, managedFields included. */
const KINDS = {
  'v1/Node': { resource: 'nodes', count: 300 },
  'v1/Pod': { resource: 'pods', count: 6000 },
  'v1/Service': { resource: 'services', count: 1000 },
  'v1/ConfigMap': { resource: 'configmaps', count: 1500 },
  'apps/v1/Deployment': { resource: 'deployments', count: 1000 },
  'discovery.k8s.io/v1/EndpointSlice': { resource: 'endpointslices', count: 1200 },
}

const [, , server] = process.argv
if (server) await read(server)
else await serve()

async function serve(): Promise<void> {
  const api = createServer((request, response) => answer(request.url ?? '', response))
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const { port } = api.address() as AddressInfo
  const child = fork(import.meta.filename, [`http://127.0.0.1:${port}`])
  await new Promise((resolve) => child.on('exit', resolve))
  api.closeAllConnections()
  api.close()
}

/** Reads every kind as a run does, and prints what that took. */
async function read(address: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-memory-'))
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  )
  const run = { id: newRunId(), context: 'c', config: stackSchema.parse({ target: 'existing', kubeconfig }) }
  const cluster = new Cluster(run as RunInfo, new AbortController().signal)
  const before = process.resourceUsage().maxRSS / 1024
  const started = performance.now()
  const lists = await Promise.all(Object.keys(KINDS).map((kind) => cluster.all(kind)))
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const peak = process.resourceUsage().maxRSS / 1024
  const objects = lists.reduce((sum, { length }) => sum + length, 0)
  console.log(
    `${objects} objects in ${seconds} s: peak ${peak.toFixed(0)} MB, ${before.toFixed(0)} MB before the first`,
  )
  await cluster.k8s.config.close()
  rmSync(folder, { recursive: true })
}

function answer(url: string, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://api')
  response.setHeader('content-type', 'application/json')
  const version = /^\/apis?\/((?:[a-z.0-9]+\/)?v1)/.exec(pathname)?.[1] ?? ''
  const kinds = Object.entries(KINDS).filter(([kind]) => kind.slice(0, kind.lastIndexOf('/')) === version)
  const [kind, found] = kinds.find(([, { resource }]) => pathname.endsWith(`/${resource}`)) ?? []
  if (!kind || !found) {
    const resources = kinds.map(([name, { resource }]) => ({
      name: resource,
      kind: name.split('/').at(-1),
      namespaced: resource !== 'nodes',
    }))
    return void response.end(JSON.stringify({ resources }))
  }
  const from = Number(searchParams.get('continue') ?? 0)
  const limit = Number(searchParams.get('limit') ?? Infinity)
  const to = Math.min(found.count, from + limit)
  const metadata = { resourceVersion: '1', ...(to < found.count ? { continue: String(to) } : {}) }
  response.write(`{"kind":"List","metadata":${JSON.stringify(metadata)},"items":[`)
  for (let at = from; at < to; at++) response.write(`${at > from ? ',' : ''}${JSON.stringify(objectOf(kind, at))}`)
  response.end(']}')
}

function objectOf(kind: string, at: number): object {
  const big = kind === 'v1/Pod' ? 60 : 10
  const field = (name: number) => `f:field-${at % 97}-${name}`
  return {
    metadata: {
      name: `object-${at}`,
      namespace: `namespace-${at % 40}`,
      uid: `00000000-0000-0000-0000-${String(at).padStart(12, '0')}`,
      labels: { app: `app-${at % 200}`, 'pod-template-hash': `hash-${at}` },
      managedFields: [0, 1, 2].map((manager) => ({
        manager: `manager-${manager}`,
        operation: 'Update',
        fieldsV1: Object.fromEntries(Array.from({ length: big }, (_, name) => [field(name), { 'f:value': {} }])),
      })),
    },
    spec: {
      containers: Array.from({ length: 3 }, (_, container) => ({
        name: `container-${container}`,
        image: `registry.example.com/team/image-${at % 50}:1.${container}`,
        env: Array.from({ length: big / 4 }, (_, name) => ({ name: `NAME_${name}`, value: `value ${at} ${name}` })),
      })),
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null }] },
  }
}
