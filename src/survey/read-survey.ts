import { deadline } from '../core/deadlines.ts'
import { timeLimit } from '../core/time-limit.ts'
import { readAdmission } from './admission.ts'
import { readAmbient } from './ambient.ts'
import { readCertManager } from './cert-manager.ts'
import { lookFor, valueOr, type Fact } from './fact.ts'
import { readGateways } from './gateways.ts'
import { readInjection } from './injection.ts'
import { readIstiods } from './istiods.ts'
import { readKnative } from './knative.ts'
import { readMutualTls } from './mutual-tls.ts'
import { readNodes } from './nodes.ts'
import { readPlatform } from './platform.ts'
import { Readings, type SurveyContext } from './readings.ts'
import type { Gateway, Istiod, Survey } from './survey.ts'

/**
 * Reads what stands in the cluster: workloads, gateways, Knative, cert-manager, nodes. It changes nothing. What may not
 * be read, or does not answer in time, is unknown, with the reason.
 * @throws UsageProblem for an override in stack.yaml that names nothing
 */
export async function readSurvey(context: SurveyContext): Promise<Survey> {
  using limit = timeLimit(deadline('survey'), context.signal)
  const readings = new Readings({ ...context, signal: limit.signal })
  // Each part is an entry of its own here; what two of them need is read once, by the readings.
  const platformRead = readPlatform(readings)
  const istiodsRead = readIstiods(readings)
  const gatewaysRead = readGateways(readings, istiodsRead)
  const istiodRead = Promise.all([istiodsRead, gatewaysRead]).then(([istiods, gateways]) => istiodOf(istiods, gateways))
  const [platform, nodes, istiods, injection, ambient, gateways, knative, certManager, mutualTls, admission] =
    await Promise.all([
      platformRead,
      lookFor('nodes', () => readNodes(readings)),
      istiodsRead,
      readInjection(readings, istiodsRead, gatewaysRead),
      readAmbient(readings),
      gatewaysRead,
      readKnative(readings),
      readCertManager(readings),
      readMutualTls(readings, istiodRead),
      readAdmission(readings, { istiod: istiodRead, platform: platformRead }),
    ])
  context.signal.throwIfAborted()
  return { platform, nodes, istiods, injection, ambient, gateways, knative, certManager, mutualTls, admission }
}

/** What admission does to what we make, looked at anew in a namespace of ours. */
export async function surveyAdmission(
  context: SurveyContext,
  { istiods, gateways, platform }: Survey,
  namespace: string,
): Promise<Survey['admission']> {
  using limit = timeLimit(deadline('survey'), context.signal)
  const readings = new Readings({ ...context, signal: limit.signal })
  const istiod = Promise.resolve(istiodOf(istiods, gateways))
  return readAdmission(readings, { istiod, platform: Promise.resolve(platform), namespace })
}

/** The istiod that configures the certified gateway, or the first where that is not known. */
function istiodOf(istiods: Fact<Istiod[]>, gateways: Fact<Gateway[]>): Istiod | undefined {
  const all = valueOr(istiods, [])
  const certified = valueOr(gateways, []).find(({ role }) => role === 'certified')
  const configuring = certified && valueOr(certified.istiod, undefined)
  return all.find(({ workload }) => `${workload.namespace}/${workload.name}` === configuring) ?? all[0]
}
