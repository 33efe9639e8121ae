// A burst on a revision without a pod: every request must be answered, the slowest within BUDGET_MS.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e BURST=20 -e BUDGET_MS=15000 load/scale-from-zero.ts
import type { Options } from 'k6/options'
import { amount, ask, plainly } from './request.ts'

const burst = amount('BURST', 20)

export const options: Options = {
  ...plainly,
  scenarios: {
    // All at once, each by a VU of its own: an arrival rate would send one more or less at the end of its time.
    burst: { executor: 'per-vu-iterations', vus: burst, iterations: 1, maxDuration: '120s' },
  },
  thresholds: {
    http_req_failed: ['rate==0'],
    first_byte: [`max<${amount('BUDGET_MS', 15_000)}`],
  },
}

export default ask
