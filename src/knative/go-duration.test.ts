import { expect, test } from 'vitest'
import { goDuration } from './go-duration.ts'

test.each([
  ['0', 0],
  ['-0', -0],
  ['0s', 0],
  ['1m30s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1.s', 1000],
  ['+5s', 5000],
  ['-1.5s', -1500],
  ['250ms', 250],
  ['100us', 0.1],
  ['100\u00b5s', 0.1],
  ['5ns', 0.000005],
])('%s is a duration of %d ms', (text, ms) => {
  expect(goDuration(text)).toBeCloseTo(ms, 9)
})

test.each(['', '10', '1d', '1w', 's', '-', '.s', '1 s', '1s ', '1h2', '1m 30s', '1.5.5s', '1e3s', '1S', 'long'])(
  '"%s" is not a duration',
  (text) => {
    expect(goDuration(text)).toBeUndefined()
  },
)
