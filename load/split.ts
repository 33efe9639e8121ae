// Traffic split between versions: counts the answers of each, by their x-version.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e RATE=50 -e SECONDS=20 -e VERSIONS=v1,v2 load/split.ts
// The threshold is that every one of VERSIONS answers; how near the shares are to what they should be is for a binomial
// bound to say.
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { amount, ask, parameter, plainly, virtualUsers } from './request.ts'

const rate = amount('RATE', 50)
const versions = parameter('VERSIONS', 'v1').split(',')
const served = new Counter('served')

export const options: Options = {
  ...plainly,
  scenarios: {
    split: {
      executor: 'constant-arrival-rate',
      rate,
      duration: `${amount('SECONDS', 20)}s`,
      ...virtualUsers(rate),
      gracefulStop: '30s',
    },
  },
  thresholds: {
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    ...Object.fromEntries(versions.map((version) => [`served{version:${version}}`, ['count>0']])),
  },
}

export default function split(): void {
  served.add(1, { version: ask().headers['X-Version'] ?? 'none' })
}
