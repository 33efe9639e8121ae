import { writeRunInfo, type RunInfo } from '../config/run-info.ts'
import { leaseNamespace } from '../cluster/run-lease.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { readSurvey, surveyAdmission } from '../survey/read-survey.ts'
import { writeSurveyFile } from '../survey/survey-file.ts'
import type { Survey } from '../survey/survey.ts'
import { unknownsOf } from '../survey/survey-rows.ts'

/** Reads what stands in the cluster before a run, and tells what could not be looked at. */
export async function surveyCluster(
  api: Kubernetes,
  config: RunInfo['config'],
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<Survey> {
  const survey = await readSurvey({ k8s: api, config, signal })
  for (const unknown of unknownsOf(survey)) tell(`survey: unknown: ${unknown}`)
  return survey
}

/** Keeps a survey with its run; what admission does is looked at anew in the run's own namespace, if it has one. */
export async function keepSurvey(api: Kubernetes, run: RunInfo, survey: Survey, signal: AbortSignal): Promise<RunInfo> {
  const context = { k8s: api, config: run.config, signal }
  const admission = run.lease ? await surveyAdmission(context, survey, leaseNamespace(run.id)) : survey.admission
  writeSurveyFile(run.id, { ...survey, admission })
  const surveyed = { ...run, surveyed: true }
  writeRunInfo(surveyed)
  return surveyed
}
