import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { withWayIn } from '../run/aws-access.ts'
import { readSurvey } from '../survey/read-survey.ts'
import { surveyRows } from '../survey/survey-rows.ts'
import { isUnknown } from '../survey/rows.ts'
import { tellSurvey } from '../survey/tell-survey.ts'
import { kindContext } from '../targets/kind.ts'
import { startTwin } from '../targets/twin.ts'
import { orCutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The flags of `plumbline survey`. */
export interface SurveyFlags extends StackFlags {
  json?: boolean
}

/** plumbline survey: prints what stands in the cluster. Gives 0, or 2 where something could not be looked at. */
export async function survey(flags: SurveyFlags): Promise<number> {
  const given = readStack(flags)
  setDeadlineFactor(given.deadlines.factor)
  return orCutShort('nothing was changed', async (signal) => {
    const twin = given.target === 'twin' ? await startTwin(given) : undefined
    try {
      return await tell(twin?.config ?? given, flags, signal)
    } finally {
      await twin?.stop()
    }
  })
}

async function tell(given: StackConfig, { json }: SurveyFlags, signal: AbortSignal): Promise<number> {
  const config = await withWayIn(given)
  const context = config.target === 'kind' ? kindContext(config) : config.context
  const kubeConfig = loadKubeConfig(config.kubeconfig, context)
  try {
    const k8s = new Kubernetes(kubeConfig)
    // This one needs credentials that are accepted; without, everything would be unknown.
    await k8s.json('/api')
    const found = await readSurvey({ k8s, config, signal })
    const rows = surveyRows(found)
    console.log(json ? JSON.stringify({ facts: rows, survey: found }, null, 2) : tellSurvey(found))
    return rows.some(isUnknown) ? 2 : 0
  } finally {
    await kubeConfig.close()
  }
}
