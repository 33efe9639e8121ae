import { check } from '../../src/check/check.ts'
import { drawCourse } from '../../src/load/picture.ts'
import { ConnectionPool } from '../../src/mesh/connection-pool.ts'

// Two connections and one that waits, in each gateway: 2 requests a second of 200 ms are below that in one alone, 60 above it in all.
const LOAD = { BELOW: 2, ABOVE: 60, HOLD_MS: 200, SECONDS: 3 }

check(
  'mesh/connection-pool-enforced',
  {
    asserts:
      "below a connection pool's limits nothing is refused; above them the excess gets 503 with response flag UO, as many in the client as in the access log and by Envoy's counters; afterwards nothing is refused again",
    guide: '4',
    level: 'required',
    effect: 'writes',
    requires: ['k6'],
    needs: ['mesh/connection-pool-configured'],
    remedy:
      'see the circuit breakers in the gateway (istioctl proxy-config clusters), another DestinationRule for the same host, and retries, which make one request into several',
  },
  async ({ stack, expect, measure, attach }) => {
    const pool = await ConnectionPool.of(stack)
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
      others.map(({ status, error }) => error ?? status),
      `answers that are neither 200 nor 503, of ${samples.length}`,
    ).toBeNone()
    expect(parts.below, 'requests refused below the limits').toBe(0)
    expect(
      parts.above,
      `requests refused with ${LOAD.ABOVE} a second of ${LOAD.HOLD_MS} ms each on few places`,
    ).toBeGreaterThan(0)
    expect(parts.again, 'requests refused below the limits again').toBe(0)
    const passedOn = (await pool.passedOn()) - before
    expect(
      samples.length - passedOn,
      `requests that the gateways passed on to no pod, by Envoy's counters (${passedOn} of ${samples.length} were), against those refused`,
    ).toBe(refused.length)
    const logged = await pool.overflowsLogged(since, samples.length)
    expect(logged, 'lines with flag UO in the access log, against those refused').toBe(refused.length)
    expect(crossed, 'thresholds of load/connection-pool.ts that were crossed').toBeNone()
    return `${refused.length} of ${samples.length} requests refused, all of them above the limits; the access log and Envoy count as many`
  },
)
