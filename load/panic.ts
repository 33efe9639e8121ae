// A step over the panic threshold: CALM requests at once, then STEP of them, then CALM again.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e HOLD_MS=500 -e CALM=1 -e STEP=12 load/panic.ts
// CALM_SECONDS (8), STEP_SECONDS (6) and AFTER_SECONDS (12) are how long each lasts.
import type { Options } from 'k6/options'
import { amount, ask, plainly, rateOf, virtualUsers } from './request.ts'

const calm = rateOf(amount('CALM', 1))
const step = rateOf(amount('STEP', 12))
const [before, during, after] = [amount('CALM_SECONDS', 8), amount('STEP_SECONDS', 6), amount('AFTER_SECONDS', 12)]
const steady = { executor: 'constant-arrival-rate', gracefulStop: '60s' } as const

export const options: Options = {
  ...plainly,
  scenarios: {
    calm: { ...steady, rate: calm, duration: `${before}s`, ...virtualUsers(calm) },
    step: { ...steady, rate: step, duration: `${during}s`, startTime: `${before}s`, ...virtualUsers(step) },
    after: { ...steady, rate: calm, duration: `${after}s`, startTime: `${before + during}s`, ...virtualUsers(calm) },
  },
  thresholds: { http_req_failed: ['rate==0'], dropped_iterations: ['count==0'] },
}

export default ask
