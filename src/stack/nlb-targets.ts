import { nlbListener, type NlbListener } from '../cloud/nlb.ts'
import { StackFailure } from '../check/problem.ts'
import type { Stack } from './stack.ts'

/**
 * The targets behind a port of the gateway's NLB, with their states.
 * @throws StackFailure where stack.yaml names no region, or AWS knows no such load balancer or listener
 */
export async function targetStates(stack: Stack, port: number): Promise<NlbListener['targets']> {
  const { region } = stack.config.aws ?? {}
  if (!region) throw new StackFailure('stack.yaml names no region of AWS (aws.region).')
  return (await nlbListener(region, await stack.ingress.address(), port)).targets
}

/** The gateway's NLB (stack.yaml's aws): its listener on a port, once all its targets are healthy. */
export async function untilHealthy(stack: Stack, port: number): Promise<NlbListener> {
  const { region } = stack.config.aws ?? {}
  if (!region) throw new StackFailure('stack.yaml names no region of AWS (aws.region).')
  const address = await stack.ingress.address()
  let listener: NlbListener | undefined
  await stack.eventually(
    `healthy targets of port ${port} of ${address}`,
    async () => {
      listener = await nlbListener(region, address, port)
      const ill = listener.targets.find(({ state }) => state !== 'healthy')
      if (listener.targets.length === 0) return 'it has no targets'
      return ill && `${ill.id} is ${ill.state}: ${ill.reason}`
    },
    'targetsHealthy',
  )
  return listener!
}
