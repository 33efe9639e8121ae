// Steady load, to see at how many pods a revision settles.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e RATE=20 load/steady.ts
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e CONCURRENCY=10 -e HOLD_MS=500 load/steady.ts
// SECONDS (18) is how long. CONCURRENCY is kept by an arrival rate of CONCURRENCY x 1000 / HOLD_MS: open loop, whatever
// the answers take.
import type { Options } from 'k6/options'
import { amount, ask, plainly, rateOf, virtualUsers } from './request.ts'

const concurrency = amount('CONCURRENCY', 0)
const rate = concurrency ? rateOf(concurrency) : amount('RATE')

export const options: Options = {
  ...plainly,
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate,
      duration: `${amount('SECONDS', 18)}s`,
      ...virtualUsers(rate),
      gracefulStop: '60s',
    },
  },
  thresholds: { http_req_failed: ['rate==0'], dropped_iterations: ['count==0'] },
}

export default ask
