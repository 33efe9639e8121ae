import { unknown } from '../src/survey/fact.ts'
import type { Survey } from '../src/survey/survey.ts'

/** A survey that could not look at anything, but for what a test knows. */
export function blankSurvey(known: Partial<Survey> = {}): Survey {
  const blank = unknown<never>('not looked at')
  return {
    platform: { distribution: blank, kubernetes: blank, clusterDomain: blank, served: {}, gitops: [] },
    nodes: blank,
    istiods: blank,
    injection: blank,
    ambient: blank,
    gateways: blank,
    knative: blank,
    certManager: blank,
    mutualTls: blank,
    admission: blank,
    ...known,
  }
}
