import { copyFileSync, chmodSync } from 'node:fs'
import { UsageProblem } from '../core/problem.ts'
import { startTwin } from '../targets/twin.ts'
import { cutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The flags of `plumbline twin`. */
export interface TwinFlags extends StackFlags {
  range?: string
  port?: string
  layout?: string
}

/** plumbline twin: serves the twin until Ctrl-C, and says how to reach it. */
export async function twin(flags: TwinFlags): Promise<number> {
  const { kubeconfig, range, port, layout, ...others } = flags
  const cut = cutShort(undefined, () => undefined)
  const running = await startTwin(readStack(others), {
    range,
    port,
    layout: layout === undefined ? undefined : parsed(layout),
  })
  const file = running.config.kubeconfig ?? ''
  if (kubeconfig) {
    copyFileSync(file, kubeconfig)
    chmodSync(kubeconfig, 0o600)
  }
  console.log(`The twin serves ${running.server}. It is a stand-in, not a cluster.`)
  console.log(`export KUBECONFIG=${kubeconfig ?? file}`)
  if (running.awsEndpoint)
    console.log(
      `export AWS_ENDPOINT_URL=${running.awsEndpoint} AWS_REGION=eu-west-1 ` +
        'AWS_ACCESS_KEY_ID=twin AWS_SECRET_ACCESS_KEY=twin',
    )
  console.log('Press Ctrl-C to end it.')
  const why = await Promise.race([running.died, aborted(cut.signal)])
  cut.release()
  await running.stop()
  if (!why) return 0
  console.error(why)
  return 3
}

/** @throws UsageProblem for what is not JSON */
function parsed(layout: string): object {
  try {
    return JSON.parse(layout) as object
  } catch (problem) {
    throw new UsageProblem(`--layout is not JSON: ${(problem as Error).message}`)
  }
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
