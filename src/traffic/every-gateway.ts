/** With which chance a gateway may be missed. */
const MISSED = 0.001

/**
 * How many requests through the load balancer meet each of `gateways` at least once, but for one time in a thousand:
 * each request goes to one of them at random, so that after r requests a certain one is missed with the chance (1 -
 * 1/n)^r, and any of n with at most n times that.
 */
export function requestsToMeetAll(gateways: number): number {
  if (gateways <= 1) return 1
  return Math.ceil(Math.log(MISSED / gateways) / Math.log(1 - 1 / gateways))
}
