// A connection pool below its limits, above them, and below again: only above may anything be refused, and that with
// 503 at once.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e HOLD_MS=200 -e BELOW=2 -e ABOVE=60 load/connection-pool.ts
// BELOW and ABOVE are requests a second; each of the three parts takes SECONDS (4).
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { amount, ask, plainly, virtualUsers } from './request.ts'

const below = amount('BELOW', 2)
const above = amount('ABOVE', 60)
const seconds = amount('SECONDS', 4)
const steady = { executor: 'constant-arrival-rate', duration: `${seconds}s`, gracefulStop: '30s' } as const
const refused = new Counter('refused')

export const options: Options = {
  ...plainly,
  scenarios: {
    below: { ...steady, rate: below, ...virtualUsers(below) },
    above: { ...steady, rate: above, startTime: `${seconds + 1}s`, ...virtualUsers(above) },
    // What waited above the limits is answered by then.
    again: { ...steady, rate: below, startTime: `${2 * seconds + 2}s`, ...virtualUsers(below) },
  },
  thresholds: {
    'http_req_failed{scenario:below}': ['rate==0'],
    'http_req_failed{scenario:again}': ['rate==0'],
    refused: ['count>0'],
    dropped_iterations: ['count==0'],
  },
}

export default function connectionPool(): void {
  if (ask().status === 503) refused.add(1)
}
