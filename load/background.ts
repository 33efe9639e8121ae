// What runs under a fault: RATE requests a second for SECONDS, or until it is interrupted.
//   k6 run -e URL=http://ADDRESS/ -e HOST=NAME -e RATE=20 -e SECONDS=120 -e FAILED=0 load/background.ts
// FAILED (0) is how many requests may fail.
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { amount, ask, plainly, virtualUsers } from './request.ts'

const rate = amount('RATE', 20)
const failed = new Counter('failed')

export const options: Options = {
  ...plainly,
  scenarios: {
    background: {
      executor: 'constant-arrival-rate',
      rate,
      duration: `${amount('SECONDS', 120)}s`,
      ...virtualUsers(rate),
      gracefulStop: '15s',
    },
  },
  thresholds: { failed: [`count<=${amount('FAILED', 0)}`], dropped_iterations: ['count==0'] },
}

export default function background(): void {
  if (ask().status !== 200) failed.add(1)
}
