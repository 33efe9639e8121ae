// npm run bench:prober: what the prober costs, on a twin: its own process's share of a core at 200 requests a second.
import { stackSchema } from '../src/config/stack-schema.ts'
import { sendFromHere } from '../src/traffic/http.ts'
import { probeFromHere } from '../src/traffic/prober.ts'
import { failuresOf, latencyOf } from '../src/traffic/samples.ts'
import { startTwin } from '../src/targets/twin.ts'

const RATE = 200
const SECONDS = 20
const MOST = 15

const twin = await startTwin(stackSchema.parse({ target: 'twin' }))
const { ports } = twin.config.addresses
const range = new URL(twin.server).hostname.split('.')[1]
const to = { address: `127.${range}.200.200`, port: ports.http!, host: 'hello.plumbline.example.com' }
if ((await sendFromHere(to)).status !== 200) throw new Error('the twin does not answer')
for (const reuse of [true, false]) {
  const prober = probeFromHere(to, { rate: RATE, reuse })
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  const { user, system } = process.cpuUsage(before)
  const samples = await prober.end()
  const share = (user + system) / 1e4 / SECONDS
  const sent = samples.filter(({ due }) => due >= 3000 && due < 3000 + SECONDS * 1000).length
  const verdict = share <= MOST ? 'holds' : 'DOES NOT HOLD'
  console.log(
    [
      `${reuse ? 'kept connections' : 'a new connection each'}: ${sent / SECONDS} requests a second`,
      `${share.toFixed(1)} % of a core (at most ${MOST}: ${verdict})`,
      `p50 ${latencyOf(samples, 0.5).toFixed(1)} ms, p99 ${latencyOf(samples, 0.99).toFixed(1)} ms`,
      `failed ${JSON.stringify(failuresOf(samples))}`,
    ].join(', '),
  )
}
await twin.stop()
