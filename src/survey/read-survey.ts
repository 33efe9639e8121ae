import { deadline } from '../core/deadlines.ts'
import { timeLimit } from '../core/time-limit.ts'
import { readAmbient } from './ambient.ts'
import { readCertManager } from './cert-manager.ts'
import { lookFor, unknown, valueOr } from './fact.ts'
import { readGateways } from './gateways.ts'
import { readInjection } from './injection.ts'
import { readIstiods } from './istiods.ts'
import { readKnative } from './knative.ts'
import { readMutualTls } from './mutual-tls.ts'
import { readNodes } from './nodes.ts'
import { readPlatform } from './platform.ts'
import { Readings, type SurveyContext } from './readings.ts'
import type { Survey } from './survey.ts'

/**
 * Reads what stands in the cluster: workloads, gateways, Knative, cert-manager, nodes. It changes nothing. What may not
 * be read, or does not answer in time, is unknown, with the reason.
 * @throws UsageProblem for an override in stack.yaml that names nothing
 */
export async function readSurvey(context: SurveyContext): Promise<Survey> {
  using limit = timeLimit(deadline('survey'), context.signal)
  const readings = new Readings({ ...context, signal: limit.signal })
  const notYet = unknown<never>('not surveyed')
  // Each part is an entry of its own here; what two of them need is read once, by the readings.
  const istiodsRead = readIstiods(readings)
  const gatewaysRead = readGateways(readings, istiodsRead)
  const root = istiodsRead.then((fact) => valueOr(fact, [])[0]?.rootNamespace ?? 'istio-system')
  const [istiods, gateways, injection, ambient, platform, nodes, knative, certManager, mutualTls] = await Promise.all([
    istiodsRead,
    gatewaysRead,
    readInjection(readings, istiodsRead, gatewaysRead),
    readAmbient(readings),
    readPlatform(readings),
    lookFor('nodes', () => readNodes(readings)),
    readKnative(readings),
    readCertManager(readings),
    readMutualTls(readings, root),
  ])
  context.signal.throwIfAborted()
  return {
    platform,
    nodes,
    istiods,
    injection,
    ambient,
    gateways,
    knative,
    certManager,
    mutualTls,
    admission: notYet,
  }
}
