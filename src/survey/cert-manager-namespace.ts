import { UsageProblem } from '../core/problem.ts'
import { containersOf } from './containers.ts'
import { absent, found, unknown, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'

/** The name of its admission webhooks, whatever their configurations are called. */
const WEBHOOK = 'webhook.cert-manager.io'
const CONTAINER = 'cert-manager-controller'

/**
 * The namespace of cert-manager: certManager.namespace of stack.yaml, else where the Service of its webhook is, else
 * that of the Deployment whose container is its controller.
 * @throws UsageProblem where stack.yaml names a namespace without cert-manager
 */
export async function certManagerNamespace(readings: Readings): Promise<Fact<string>> {
  const controllers = (await readings.list('apps/v1/Deployment'))
    .filter((each) => containersOf(each).some(({ name }) => name === CONTAINER))
    .map(({ metadata }) => metadata?.namespace ?? '')
  const override = readings.config.certManager.namespace
  if (override !== undefined) {
    if (!controllers.includes(override)) throw new UsageProblem(overrideProblem(override, controllers))
    return found(override, 'certManager.namespace in stack.yaml')
  }
  const called = await webhookNamespaces(readings)
  const candidates = [...new Set(called.length ? called : controllers)]
  if (candidates.length > 1)
    return unknown(
      `cert-manager is in ${candidates.join(' and ')}: set certManager.namespace in stack.yaml to the one to certify`,
    )
  const [namespace] = candidates
  if (namespace === undefined)
    return absent(
      `cert-manager was not found: no webhook has the name ${WEBHOOK}, and no Deployment a container ${CONTAINER}.`,
    )
  return found(
    namespace,
    called.length ? `webhook ${WEBHOOK}: clientConfig.service.namespace` : `a Deployment with container ${CONTAINER}`,
  )
}

const overrideProblem = (override: string, controllers: readonly string[]): string =>
  `stack.yaml: certManager.namespace is ${override}, where no Deployment has a container ${CONTAINER}` +
  (controllers.length ? `; there is one in ${controllers.join(' and ')}.` : ', nor anywhere else.')

interface Webhook {
  name: string
  clientConfig?: { service?: { namespace: string } }
}

async function webhookNamespaces(readings: Readings): Promise<string[]> {
  const lists = await Promise.all(
    ['Validating', 'Mutating'].map((type) =>
      readings.list(`admissionregistration.k8s.io/v1/${type}WebhookConfiguration`),
    ),
  )
  return lists
    .flat()
    .flatMap(({ webhooks }) => (webhooks ?? []) as Webhook[])
    .filter(({ name, clientConfig }) => name === WEBHOOK && clientConfig?.service)
    .map(({ clientConfig }) => clientConfig!.service!.namespace)
}
