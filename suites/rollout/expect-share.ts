import type { ExpectStatic } from 'vitest'
import type { ServedShare } from '../../src/rollout/versions-served.ts'

/**
 * Asserts that no request failed, that only versions of the traffic answered, and that the version's count is within
 * the 99.9 % interval of its configured share. Gives what the version answered, for the line of a pass.
 */
export function expectShare(expect: ExpectStatic, served: ServedShare): string {
  const { version, count, requests, share, lowest, highest, failures, strangers } = served
  expect(failures, `Failed requests of ${requests}`).toEqual({})
  expect(strangers, 'Versions that answered and are not part of the traffic').toBeNone()
  const answered = `${version} answered ${count} of ${requests} requests (${percent(count / requests)})`
  const interval =
    lowest === highest ? `${lowest} are expected` : `${lowest} to ${highest} are within the 99.9 % interval`
  expect(count >= lowest && count <= highest).toHold(`${answered}; ${percent(share)} is configured, ${interval}`)
  return answered
}

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`
