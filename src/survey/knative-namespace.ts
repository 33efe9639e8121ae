import type { KubernetesObject } from '../core/object.ts'
import { UsageProblem } from '../core/problem.ts'
import { absent, found, lookFor, unknown, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'

/** Names of webhook configurations that are compiled into Knative Serving. */
const WEBHOOKS = [
  'webhook.serving.knative.dev',
  'validation.webhook.serving.knative.dev',
  'config.webhook.serving.knative.dev',
]

/**
 * The namespace of Knative Serving: knative.namespace of stack.yaml, else where the Service of its webhooks is, else
 * that of its controller's Deployment.
 * @throws UsageProblem where stack.yaml names a namespace without Knative Serving
 */
export const knativeServingNamespace = (readings: Readings): Promise<Fact<string>> =>
  lookFor("Knative's namespace", async () => {
    const override = readings.config.knative.namespace
    if (override !== undefined) return overridden(readings, override)
    for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
      const configurations = await readings.list(`admissionregistration.k8s.io/v1/${kind}`)
      for (const { metadata, webhooks } of configurations) {
        const namespace = (webhooks as Webhook[] | undefined)?.[0]?.clientConfig?.service?.namespace
        if (namespace && WEBHOOKS.includes(metadata?.name ?? ''))
          return found(namespace, `${kind} ${metadata?.name}: clientConfig.service.namespace`)
      }
    }
    const candidates = [...new Set(await controllerNamespaces(readings))]
    const [namespace] = candidates
    if (namespace === undefined)
      return absent(
        `Knative Serving was not found: no webhook configuration has the name ${WEBHOOKS[0]}, ` +
          'and no Deployment controller the label app.kubernetes.io/name=knative-serving.',
      )
    return candidates.length === 1
      ? found(namespace, 'Deployment controller with label app.kubernetes.io/name=knative-serving')
      : unknown(
          `Knative Serving is in ${candidates.join(' and ')}: ` +
            'set knative.namespace in stack.yaml to the one to certify',
        )
  })

interface Webhook {
  clientConfig?: { service?: { namespace?: string } }
}

const isController = ({ metadata }: KubernetesObject): boolean => {
  const labels = metadata?.labels ?? {}
  return (
    metadata?.name === 'controller' &&
    (labels['app.kubernetes.io/name'] === 'knative-serving' ||
      labels['app.kubernetes.io/part-of'] === 'knative-serving' ||
      labels['serving.knative.dev/release'] !== undefined)
  )
}

const controllerNamespaces = async (readings: Readings): Promise<string[]> =>
  (await readings.list('apps/v1/Deployment')).filter(isController).map(({ metadata }) => metadata?.namespace ?? '')

async function overridden(readings: Readings, override: string): Promise<Fact<string>> {
  const namespaces = await controllerNamespaces(readings)
  if (namespaces.includes(override)) return found(override, 'knative.namespace in stack.yaml')
  throw new UsageProblem(
    `stack.yaml: knative.namespace is ${override}, where no Deployment controller of Knative Serving is` +
      (namespaces.length ? `; there is one in ${namespaces.join(' and ')}.` : ', nor anywhere else.'),
  )
}
