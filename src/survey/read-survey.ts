import type { StackConfig } from '../config/stack-schema.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { unknown } from './fact.ts'
import type { Survey } from './survey.ts'

/** What a survey is read by: the API, and the stack file for what it overrides. */
export interface SurveyContext {
  k8s: Kubernetes
  config: StackConfig
  signal: AbortSignal
}

/**
 * Reads what stands in the cluster: workloads, gateways, Knative, cert-manager, nodes. It changes nothing. What may not
 * be read is unknown, with the reason.
 * @throws UsageProblem for an override in stack.yaml that names nothing
 */
export async function readSurvey(_context: SurveyContext): Promise<Survey> {
  const notYet = unknown<never>('not surveyed')
  return {
    platform: { distribution: notYet, kubernetes: notYet, clusterDomain: notYet, served: {}, gitops: [] },
    nodes: notYet,
    istiods: notYet,
    injection: notYet,
    ambient: notYet,
    gateways: notYet,
    knative: notYet,
    certManager: notYet,
    mutualTls: notYet,
    admission: notYet,
  }
}
