import { check } from '../../src/check/check.ts'
import { drawCourse } from '../../src/load/picture.ts'
import { ConnectionPool } from '../../src/mesh/connection-pool.ts'

// Each gateway takes 2 connections and 1 pending request: 2 requests a second of 200 ms are below that in a single
// gateway, 60 are above it in all of them together.
const LOAD = { BELOW: 2, ABOVE: 60, HOLD_MS: 200, SECONDS: 3 }

check(
  'mesh/connection-pool-enforced',
  {
    asserts:
      "below a connection pool's limits no request is refused; above them the excess gets 503 with flag UO, as many " +
      'as the access log and Envoy count; below them again none is refused',
    guide: '4',
    level: 'required',
    effect: 'writes',
    requires: ['k6'],
    needs: ['mesh/connection-pool-configured', 'mesh/gateway-address'],
    remedy: [
      'Run istioctl proxy-config clusters GATEWAY_POD.NAMESPACE -o json and look at the circuit breakers',
      'Run kubectl get destinationrules -A and look for another one with the same host',
      'Look for retries in the VirtualService: they turn one request into several',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const pool = await ConnectionPool.create(stack)
    const before = await pool.passedOn()
    const { samples, crossed, since } = await stack.load.inTurn(async () => {
      const began = performance.now()
      return {
        since: began,
        ...(await stack.load.run('connection-pool', { host: pool.host, parameters: LOAD }, began)),
      }
    })
    attach('course.svg', await drawCourse({ title: 'mesh/connection-pool-enforced', samples, stairs: [] }))
    const refused = samples.filter(({ status }) => status === 503)
    const others = samples.filter(({ status }) => status !== 200 && status !== 503)
    const parts = Object.fromEntries(
      ['below', 'above', 'again'].map((name) => [name, refused.filter(({ part }) => part === name).length]),
    )
    measure('requests refused above the limits', parts.above ?? 0, 'requests')
    measure('requests', samples.length, 'requests')
    expect(
      others.map(({ status, error }) => error ?? `status ${status}`),
      `http://${pool.host}/: answers other than 200 and 503, of ${samples.length} requests`,
    ).toBeNone()
    const { below = 0, above = 0, again = 0 } = parts
    expect(below === 0).toHold(`${below} requests were refused below the limits; none is expected`)
    expect(above > 0).toHold(
      `No request was refused above the limits, at ${LOAD.ABOVE} requests/s of ${LOAD.HOLD_MS} ms each; ` +
        'at least 1 is expected',
    )
    expect(again === 0).toHold(`${again} requests were refused below the limits after the overload; none is expected`)
    const passedOn = (await pool.passedOn()) - before
    expect(samples.length - passedOn === refused.length).toHold(
      `Envoy passed on ${passedOn} of ${samples.length} requests to a pod; ` +
        `${samples.length - refused.length} are expected, since ${refused.length} requests got 503`,
    )
    const logged = await pool.overflowsLogged(since, samples.length)
    expect(logged === undefined || logged === refused.length).toHold(
      `The access log has ${logged} lines with flag UO; ${refused.length} are expected, one for each 503 of a client`,
    )
    expect(crossed, 'Crossed thresholds of load/connection-pool.ts').toBeNone()
    return (
      `${refused.length} of ${samples.length} requests got 503, all of them above the limits; ` +
      (logged === undefined
        ? "Envoy counts as many, and the gateway's access log cannot tell"
        : 'the access log and Envoy count as many')
    )
  },
)
