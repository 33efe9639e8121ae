import { setDeadlineFactor } from '../check/deadlines.ts'
import { UsageProblem } from '../check/problem.ts'
import { kindContext, kindDown, kindUp } from '../targets/kind.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { cutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The stack that is meant: of those that a stack file may have, a twin is none to bring up, and kind is. */
function clusterToBring(flags: StackFlags): StackConfig {
  const config = readStack(flags)
  return config.target === 'twin' && !flags.target ? { ...config, target: 'kind' } : config
}

/** plumbline up. */
export async function up(flags: StackFlags): Promise<number> {
  const config = clusterToBring(flags)
  if (config.target !== 'kind')
    throw new UsageProblem(
      'Only the target kind is brought up; a twin comes with its run, and an existing cluster is taken as it is.',
    )
  setDeadlineFactor(config.deadlines.factor)
  const from = performance.now()
  const cut = cutShort(undefined, console.log)
  try {
    await kindUp(config, console.log, cut.signal)
  } catch (problem) {
    if (!cut.signal.aborted) throw problem
    console.log('cut short: plumbline up goes on where this ended, plumbline down deletes the cluster')
    return 2
  } finally {
    cut.release()
  }
  console.log(`up after ${((performance.now() - from) / 1000).toFixed(1)} s: kubectl --context ${kindContext(config)}`)
  return 0
}

/** plumbline down. */
export async function down(flags: StackFlags): Promise<number> {
  const config = clusterToBring(flags)
  if (config.target !== 'kind')
    throw new UsageProblem(
      'Only the target kind is taken down; a twin ends with its run, and an existing cluster stays as it is.',
    )
  const there = await kindDown(config)
  console.log(
    there ? `the kind cluster ${config.cluster.name} is deleted` : `there is no kind cluster ${config.cluster.name}`,
  )
  return 0
}
