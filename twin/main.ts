import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { StartProblem } from './network.ts'
import { readLayout } from './stack/layout.ts'
import { VERSIONS, type Versions } from './stack/versions.ts'
import { startTwin } from './twin.ts'

const PROGRAM = join(import.meta.dirname, '..', 'fixtures', 'app', 'server.mjs')

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    range: { type: 'string' },
    port: { type: 'string', default: '6443' },
    cloud: { type: 'string', default: 'metallb' },
    domain: { type: 'string', default: 'example.com' },
    zones: { type: 'string', default: 'zone-a,zone-b,zone-c' },
    versions: { type: 'string', default: '{}' },
    layout: { type: 'string', default: '{}' },
  },
})

// A container's program that throws must not take the twin with it.
process.on('uncaughtException', (problem) => console.error(problem))

try {
  const layout = readLayout(values.layout)
  const twin = await startTwin({
    versions: { ...VERSIONS, ...(JSON.parse(values.versions) as Partial<Versions>) },
    cloud: values.cloud === 'aws' ? 'aws' : 'metallb',
    domain: values.domain,
    zones: values.zones.split(','),
    layout,
    range: values.range === undefined ? undefined : Number(values.range),
    port: Number(values.port),
    program: readFileSync(PROGRAM, 'utf8'),
  })
  await twin.ready
  const kubeconfig = stringify(twin.kubeconfig, { lineWidth: 0 })
  if (values.kubeconfig) writeFileSync(values.kubeconfig, kubeconfig, { mode: 0o600 })
  // One line for who started it: where the API is, and which ports stand for 80 and 443.
  const ports = Object.fromEntries([80, 443].map((port) => [port, twin.network.realPort(port)]))
  console.log(
    JSON.stringify({
      ready: true,
      server: twin.address,
      range: twin.network.range,
      ports,
      // Where its load balancer is, where nothing in the cluster tells.
      ...(layout.balancer.maker === 'nobody' ? { ingress: twin.network.balancerAddress(0) } : {}),
      ...(twin.awsEndpoint ? { awsEndpoint: twin.awsEndpoint, dns: twin.dns } : {}),
      ...(values.kubeconfig ? {} : { kubeconfig }),
    }),
  )
  const end = () => {
    twin.stop()
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  // Without who started it there is nobody to serve.
  process.on('disconnect', end)
} catch (problem) {
  if (!(problem instanceof StartProblem)) throw problem
  console.error(problem.message)
  process.exit(3)
}
