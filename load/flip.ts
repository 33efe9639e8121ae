// Load that crosses a revision's spare burst capacity both ways: LOW requests at once, HIGH, and LOW again, with no
// failed request.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e HOLD_MS=500 -e LOW=1 -e HIGH=8 load/flip.ts
// LOW_SECONDS (5), HIGH_SECONDS (8) and AGAIN_SECONDS (12) are how long each lasts.
import type { Options } from 'k6/options'
import { amount, ask, plainly, rateOf, virtualUsers } from './request.ts'

const low = rateOf(amount('LOW', 1))
const high = rateOf(amount('HIGH', 8))
const [before, during, after] = [amount('LOW_SECONDS', 5), amount('HIGH_SECONDS', 8), amount('AGAIN_SECONDS', 12)]
const steady = { executor: 'constant-arrival-rate', gracefulStop: '60s' } as const

export const options: Options = {
  ...plainly,
  scenarios: {
    low: { ...steady, rate: low, duration: `${before}s`, ...virtualUsers(low) },
    high: { ...steady, rate: high, duration: `${during}s`, startTime: `${before}s`, ...virtualUsers(high) },
    again: { ...steady, rate: low, duration: `${after}s`, startTime: `${before + during}s`, ...virtualUsers(low) },
  },
  thresholds: { http_req_failed: ['rate==0'], dropped_iterations: ['count==0'] },
}

export default ask
