import { rmSync } from 'node:fs'
import { Journal } from '../cluster/journal.ts'
import { CAPABILITIES, type Capability } from '../core/record.ts'
import { loadCatalogue, select } from '../check/catalogue.ts'
import { type Check } from '../check/check.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { journalFile, newRunId, pidSpace, runFolder, writeRunInfo, type RunInfo, type K6 } from '../config/run-info.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { findK6, tellK6 } from '../load/k6.ts'
import { loadFrom } from '../load/load.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { kindContext, kindIsUp, kindUp } from '../targets/kind.ts'
import { awsAccess, withWayIn } from './aws-access.ts'
import { claimCluster, effectOfRun } from './claim.ts'
import { missingDrainRights } from './drain-rights.ts'
import type { ThreadWork } from './in-thread.ts'
import { keepSurvey, surveyCluster } from './survey-run.ts'
import { isThere } from '../core/programs.ts'

export interface RunRequest {
  config: StackConfig
  /** Suites, effects or ids; all checks where empty. */
  only: string[]
  allowDisruption: boolean
  trace?: boolean
}

/** Brings the stack up where the target is kind and it is not, and makes the run ready: the work of a thread. */
export const work: ThreadWork<RunRequest, RunInfo> = async (request, tell, signal) => {
  setDeadlineFactor(request.config.deadlines.factor)
  if (request.config.target === 'kind') {
    if (await kindIsUp(request.config))
      tell(`kind: cluster ${request.config.cluster.name} exists already; using it as it is`)
    else await kindUp(request.config, tell, signal)
  }
  return prepareRun(request, tell, signal)
}

/**
 * Makes a run ready: chooses its checks, asks the cluster whether it answers and what it offers, surveys it, and writes
 * run.json and survey.json.
 * @throws UsageProblem for a name that is no check, ClusterProblem where the cluster does not answer or accept us
 */
export async function prepareRun(
  { config: given, only, allowDisruption, trace = false }: RunRequest,
  tell: (what: string) => void = () => undefined,
  signal = new AbortController().signal,
): Promise<RunInfo> {
  setDeadlineFactor(given.deadlines.factor)
  const config = await withWayIn(given)
  const catalogue = await loadCatalogue()
  const checks = only.length ? select(catalogue, only) : catalogue
  const kubeConfig = loadKubeConfig(config.kubeconfig, config.target === 'kind' ? kindContext(config) : config.context)
  try {
    const api = new Kubernetes(kubeConfig)
    await api.json('/version')
    // /version answers anybody; this one needs credentials that are accepted.
    await api.json('/api')
    const survey = await surveyCluster(api, config, tell, signal)
    const access = await awsAccess(config, kubeConfig, api, survey)
    const lacking = { ...access.lacking, ...(await lackingOf(api, config)) }
    if (checks.some(({ requires }) => requires?.includes('drain'))) {
      const reason = await missingDrainRights(api)
      if (reason) lacking.drain = { reason, excused: false }
    }
    const k6 = await k6For(checks, config, tell, signal)
    if (k6 && 'lacking' in k6) lacking.k6 = { reason: k6.lacking, excused: false }
    else if (k6) tell(tellK6(k6))
    const run: RunInfo = {
      id: newRunId(),
      pid: process.pid,
      pidSpace: pidSpace(),
      startedAt: new Date().toISOString(),
      config,
      context: kubeConfig.getCurrentContext(),
      checks: checks.map((check) => check.id),
      capabilities: CAPABILITIES.filter((capability) => !lacking[capability]),
      lacking,
      allowDisruption,
      ...(trace ? { trace } : {}),
      ...(access.aws ? { aws: access.aws } : {}),
      ...(k6 && 'how' in k6 ? { k6 } : {}),
    }
    writeRunInfo(run)
    try {
      const lease = await claimCluster(api, run, effectOfRun(run, checks), tell)
      return await keepSurvey(api, { ...run, lease }, survey, signal)
    } catch (problem) {
      // It never began: nothing of it is to be reported or recovered, but what could not be undone.
      if (new Journal(journalFile(run.id)).pending().length === 0) rmSync(runFolder(run.id), { recursive: true })
      throw problem
    }
  } finally {
    await kubeConfig.close()
  }
}

/**
 * What the target does not offer, why, and whether it may do without: a skip that is not excused leaves the verdict
 * incomplete.
 */
async function lackingOf(api: Kubernetes, config: StackConfig): Promise<RunInfo['lacking']> {
  const lacking: Partial<Record<Capability, { reason: string; excused: boolean }>> = {}
  if (!(await isThere('istioctl'))) {
    lacking.istioctl = {
      reason: 'needs istioctl on the PATH: https://istio.io/latest/docs/setup/getting-started/#download',
      excused: false,
    }
  }
  if (!(await servesMetrics(api)))
    lacking.metrics = { reason: 'needs metrics.k8s.io (metrics-server is not installed)', excused: true }
  const { prometheus, loki } = config.observability
  const notConfigured = (service: string, key: string) => ({
    reason: `needs ${service}: set ${key} in stack.yaml`,
    excused: true,
  })
  if (!prometheus) lacking.prometheus = notConfigured('Prometheus', 'observability.prometheus')
  if (!loki) lacking.loki = notConfigured('Loki', 'observability.loki')
  if (!config.acme) lacking.acme = notConfigured('an ACME issuer', 'acme.issuer')
  return lacking
}

/** The k6 of a run that needs one here; as a Job it comes with its image. */
async function k6For(
  checks: Check[],
  config: StackConfig,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<K6 | { lacking: string } | undefined> {
  if (loadFrom(config) === 'job' || !checks.some(({ requires }) => requires?.includes('k6'))) return undefined
  return findK6(tell, signal)
}

/** Whether metrics.k8s.io is registered; whether it answers is what a check is about. */
const servesMetrics = async (api: Kubernetes): Promise<boolean> =>
  (await api.served.groups()).some(({ name }) => name === 'metrics.k8s.io')
