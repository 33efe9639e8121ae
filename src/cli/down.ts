import type { StackConfig } from '../config/stack-schema.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { nameOfId } from '../kube/object-id.ts'
import { eksDown, eksDownPlan } from '../targets/eks-down.ts'
import { kindDown, kindNodes } from '../targets/kind.ts'
import { clusterToBring } from './bring.ts'
import { confirm } from './confirm.ts'
import { orCutShort } from './cut.ts'
import type { StackFlags } from './stack-flags.ts'
import { tellDownPlan } from './tell-plan.ts'
import { counted } from '../core/counted.ts'

/** The flags of `plumbline down`. */
export interface DownFlags extends StackFlags {
  plan?: boolean
  yes?: boolean
}

const NOTHING = 'nothing was deleted'

/** plumbline down: shows what it would delete, asks, and deletes it. */
export async function down(flags: DownFlags): Promise<number> {
  const config = clusterToBring(flags)
  setDeadlineFactor(config.deadlines.factor)
  return config.target === 'kind' ? downKind(config, flags) : downEks(config, flags)
}

async function downKind(config: StackConfig, { plan, yes }: DownFlags): Promise<number> {
  const { name } = config.cluster
  const nodes = await kindNodes(config)
  if (nodes.length === 0) {
    console.log(`there is no kind cluster ${name}`)
    return 0
  }
  const what =
    `the kind cluster ${name} with its ${counted(nodes.length, 'node')} ` + `(${nodes.join(', ')}) and everything in it`
  if (plan) console.log(`down would delete ${what}; nothing is changed`)
  else if (!(await confirm(`Delete ${what}?`, yes))) console.log(NOTHING)
  else {
    await kindDown(config)
    console.log(`the kind cluster ${name} is deleted`)
  }
  return 0
}

async function downEks(config: StackConfig, { plan, yes }: DownFlags): Promise<number> {
  return orCutShort('plumbline down goes on where this ended', async (signal) => {
    const { name } = config.cluster
    const planned = await eksDownPlan(config, signal)
    if (planned.components.length === 0 && !planned.association) {
      console.log(`plumbline has made nothing on ${name}`)
      return 0
    }
    for (const line of tellDownPlan(planned)) console.log(line)
    if (plan) return 0
    if (!(await confirm(`Delete this on the EKS cluster ${name}?`, yes))) {
      console.log(NOTHING)
      return 0
    }
    const kept = (await eksDown(config, console.log, signal)) ?? []
    for (const { object, why } of kept) console.log(`${nameOfId(object)} was not deleted: ${why}`)
    console.log(
      kept.length
        ? `all else that plumbline made on the EKS cluster ${name} is gone; run down again when those are gone too`
        : `all that plumbline made on the EKS cluster ${name} is gone`,
    )
    return 0
  })
}
