// npm run bench:shares [-- --right N --off N]: how often the statistical checks err, on a twin whose gateway splits by
// Envoy's weights: right shares, which may fail once in a thousand times, and shares one step off, of which none may
// pass. Every run sends its own requests.
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { stackSchema } from '../src/config/stack-schema.ts'
import { prepareRun } from '../src/run/prepare.ts'
import { AbTest } from '../src/rollout/ab-test.ts'
import { shareTest } from '../src/rollout/shares.ts'
import { Stack } from '../src/stack/stack.ts'
import { startTwin } from '../src/targets/twin.ts'
import { finishRun } from '../src/run/finish.ts'

const { values } = parseArgs({
  options: { right: { type: 'string', default: '200' }, off: { type: 'string', default: '50' } },
})
/** The shares that checks test, in percent, with the steps that each is told from. */
const SHARES: [share: number, neighbours: number[]][] = [
  [5, [0, 20]],
  [20, [5, 50]],
  [50, [20, 100]],
  [50, [40, 60]],
  [30, [20, 40]],
]
const AT_ONCE = 32

const twin = await startTwin(stackSchema.parse({ target: 'twin' }))
const run = await prepareRun({ config: twin.config, only: ['mesh/crds'], allowDisruption: true })
const stack = new Stack(run, new AbortController().signal)
const test = await AbTest.open(stack)
const { ports } = stack.config.addresses
const pool = new Pool(`http://${await stack.ingress.address()}:${ports.http}`, { connections: AT_ONCE, allowH2: false })

/** Gives v2 a weight, and waits until the gateways have it: they all answer by a version that had no weight before. */
async function split(weight: number): Promise<void> {
  const destination = (subset: string) => ({ host: `ab.${test.namespace}.svc.cluster.local`, subset })
  const route = [
    { destination: destination('v1'), weight: 100 - weight },
    { destination: destination('v2'), weight },
  ]
  const headers = { response: { set: { 'x-gateway': '%DOWNSTREAM_LOCAL_ADDRESS%' } } }
  const metadata = { name: 'ab', namespace: test.namespace }
  const apiVersion = 'networking.istio.io/v1beta1'
  const apply = (http: object[]) =>
    stack.apply({ apiVersion, kind: 'VirtualService', metadata, spec: { hosts: [test.host], gateways: ['ab'], http } })
  await apply([{ directResponse: { status: 418 } }])
  await stack.ingress.until({ host: test.host }, ({ status }) => status === 418, 'configPush', { inARow: 30 })
  await apply([{ headers, route }])
  await stack.ingress.until({ host: test.host }, ({ status }) => status === 200, 'configPush', { inARow: 30 })
}

/** Sends so many requests, and gives how many v2 answered. */
async function count(requests: number): Promise<number> {
  let [left, ofV2] = [requests, 0]
  const worker = async () => {
    while (left-- > 0) {
      const { headers, body, statusCode } = await pool.request({
        path: '/',
        method: 'GET',
        headers: { host: test.host },
      })
      await body.dump()
      if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
      if (headers['x-version'] === 'v2') ofV2++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return ofV2
}

/** How many of so many runs are outside the bounds. */
async function outside(runs: number, { requests, lowest, highest }: ReturnType<typeof shareTest>): Promise<number> {
  let out = 0
  for (let at = 0; at < runs; at++) {
    const seen = await count(requests)
    if (seen < lowest || seen > highest) out++
  }
  return out
}

let [failed, passed, right, off] = [0, 0, 0, 0]
for (const [share, neighbours] of SHARES) {
  const bounds = shareTest(share / 100, ...neighbours.map((each) => each / 100))
  await split(share)
  const wrong = await outside(Number(values.right), bounds)
  failed += wrong
  right += Number(values.right)
  const line = [`${wrong} of ${values.right} right runs failed`]
  for (const neighbour of neighbours.filter((each) => each > 0 && each < 100)) {
    await split(neighbour)
    const caught = await outside(Number(values.off), bounds)
    passed += Number(values.off) - caught
    off += Number(values.off)
    line.push(`with ${neighbour} % ${caught} of ${values.off} were caught`)
  }
  const asked = `${share} % told from ${neighbours.join(' and ')} by ${bounds.requests} requests`
  console.log(`${asked} (${bounds.lowest} to ${bounds.highest}): ${line.join('; ')}`)
}
console.log(`right shares: ${failed} of ${right} failed; shares one step off: ${off - passed} of ${off} caught`)
await pool.destroy()
await finishRun({ run, interrupted: false }, () => undefined)
await stack.k8s.config.close()
await twin.stop()
process.exitCode = passed === 0 ? 0 : 1
