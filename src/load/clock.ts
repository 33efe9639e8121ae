/** Where the wall clock of a load generator stands beside the clock of this process. */
export interface Clock {
  /** performance.now() of the moment at which the generator's wall clock was at 0 (1970): to be added to its times. */
  zero: number
  /** By how many milliseconds that may be wrong, either way. */
  errorMs: number
}

/** The wall clock of this machine. */
export const clockHere = (): Clock => ({ zero: performance.now() - Date.now(), errorMs: 1 })

// The shortest of a few round trips bounds the error best; more of them hardly shorten it.
const ROUND_TRIPS = 5

/**
 * Reads the wall clock of another machine by asking it for its time, in milliseconds since 1970. What it says was so at
 * some moment of the round trip: the middle of the shortest one is taken, so that the error is half of it at most.
 * Clocks that are stepped or slewed while the load goes on add what they were moved by.
 */
export async function readClock(ask: () => Promise<number>): Promise<Clock> {
  let best: Clock | undefined
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const from = performance.now()
    const time = await ask()
    const to = performance.now()
    const clock = { zero: (from + to) / 2 - time, errorMs: (to - from) / 2 }
    if (!best || clock.errorMs < best.errorMs) best = clock
  }
  return best!
}
