import { setDeadlineFactor } from '../core/deadlines.ts'
import { UsageProblem } from '../core/problem.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { eksPlan, eksUp } from '../targets/eks-stack.ts'
import { kindContext, kindUp } from '../targets/kind.ts'
import { orCutShort } from './cut.ts'
import { tellPlan } from './tell-plan.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The flags of `plumbline up`. */
export interface UpFlags extends StackFlags {
  plan?: boolean
}

/** The stack that is meant: of those that a stack file may have, a twin is none to bring up, and kind is. */
export function clusterToBring(flags: StackFlags): StackConfig & { target: 'kind' | 'eks' } {
  const config = readStack(flags)
  const target = config.target === 'twin' && !flags.target ? 'kind' : config.target
  if (target === 'kind') return { ...config, target }
  if (target === 'eks') {
    // Somebody's cluster: the default name may be another's.
    if (!flags.name) throw new UsageProblem("An EKS cluster's name is typed out: --name NAME.")
    return { ...config, target }
  }
  throw new UsageProblem(
    'up and down work on the targets kind and eks. A twin starts and ends with its run, ' +
      'and Plumbline does not change what is installed on an existing cluster.',
  )
}

/** plumbline up. */
export async function up(flags: UpFlags): Promise<number> {
  const config = clusterToBring(flags)
  if (flags.plan && config.target !== 'eks')
    throw new UsageProblem('--plan is for the target eks; a kind cluster is all of our own making.')
  setDeadlineFactor(config.deadlines.factor)
  const from = performance.now()
  return orCutShort('plumbline up goes on where this ended, plumbline down takes it down', async (signal) => {
    if (flags.plan) {
      for (const line of tellPlan(await eksPlan(config, signal), config)) console.log(line)
      return 0
    }
    const up = config.target === 'eks' ? await eksUp(config, console.log, signal) : config
    if (config.target === 'kind') await kindUp(config, console.log, signal)
    const seconds = ((performance.now() - from) / 1000).toFixed(1)
    const where = config.target === 'kind' ? kindContext(config) : up.context
    const file = up.kubeconfig ? `--kubeconfig ${up.kubeconfig} ` : ''
    console.log(`up after ${seconds} s: kubectl ${file}--context ${where}`)
    return 0
  })
}
