import { expect, test } from 'vitest'
import { clockHere, readClock } from './clock.ts'

test('the clock of this machine is the one that Date has', () => {
  expect(Math.abs(Date.now() + clockHere().zero - performance.now())).toBeLessThan(100)
})

test('a clock that is an hour off is put on ours, within half of the shortest round trip', async () => {
  const OFF = 3_600_000
  const pauses = [60, 5, 80, 30, 60]
  let asked = 0
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const { zero, errorMs } = await readClock(async () => {
    const ms = pauses[asked++] ?? 0
    await pause(ms)
    const time = Date.now() + OFF
    await pause(ms / 5)
    return time
  })
  expect(asked).toBe(5)
  expect(errorMs).toBeLessThan(1000)
  expect(Math.abs(Date.now() + OFF + zero - performance.now())).toBeLessThan(errorMs + 100)
})

test('a clock that cannot be asked gives no reading', async () => {
  await expect(readClock(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
})
