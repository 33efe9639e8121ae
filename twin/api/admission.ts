import type { AdmissionRequest } from './admission-request.ts'
import type { KubernetesHooks } from '../cluster/hooks.ts'
import { admitByQuota, withLimitRanges } from '../cluster/resource-limits.ts'
import type { KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { admitBySecurity } from './pod-security.ts'
import { selects, type LabelSelector } from './selectors.ts'
import { StatusError } from './status-error.ts'

/** What a webhook says no with. */
export class Refusal extends Error {}

/** Answers the calls to one Service, by path: gives the object changed where it mutates. */
export type Webhook = (path: string, request: AdmissionRequest) => KubeObject | undefined | void

interface Configured {
  name: string
  failurePolicy?: string
  rules: { apiGroups: string[]; operations: string[]; resources: string[] }[]
  objectSelector?: LabelSelector
  namespaceSelector?: LabelSelector
  clientConfig: { service?: { name: string; namespace: string; path?: string; port?: number } }
}

/** Calls the admission webhooks that are configured in the cluster, the mutating ones first. */
export class Admission {
  readonly #objects: Objects
  readonly #hooks: KubernetesHooks
  readonly #webhooks = new Map<string, Webhook>()

  constructor(objects: Objects, hooks: KubernetesHooks) {
    this.#objects = objects
    this.#hooks = hooks
  }

  /** Serves the webhooks behind a Service, NAMESPACE/NAME. It answers while the Service has a Ready endpoint. */
  serve(service: string, webhook: Webhook): void {
    this.#webhooks.set(service, webhook)
  }

  /**
   * Asks every webhook that is about the request, and gives the object as they leave it.
   * @throws StatusError 400 where one refuses, 500 where one does not answer whose failurePolicy is Fail, 403 where Pod
   * Security or a quota refuses
   */
  admit(request: AdmissionRequest): KubeObject {
    let object = withLimitRanges(this.#objects, request)
    for (const kind of ['mutating', 'validating']) {
      for (const configuration of this.#objects.list(`${kind}webhookconfigurations.admissionregistration.k8s.io`)) {
        for (const webhook of (configuration.webhooks ?? []) as Configured[]) {
          if (this.#isAbout(webhook, { ...request, object })) object = this.#call(webhook, { ...request, object })
        }
      }
    }
    const admitted = { ...request, object }
    admitBySecurity(admitted, this.#objects.get('namespaces', object.metadata.namespace ?? ''))
    admitByQuota(this.#objects, admitted)
    return object
  }

  #call(webhook: Configured, request: AdmissionRequest): KubeObject {
    const { service } = webhook.clientConfig
    const key = `${service?.namespace ?? ''}/${service?.name ?? ''}`
    const answers = this.#webhooks.get(key)
    const endpoints = this.#objects.get('endpoints', service?.name ?? '', service?.namespace)
    const ready = ((endpoints?.subsets ?? []) as { addresses?: unknown[] }[]).some((subset) => subset.addresses?.length)
    if (!answers || !ready) {
      if (this.#hooks.failurePolicy.apply(webhook.failurePolicy) !== 'Fail') return request.object
      const host = `${service?.name}.${service?.namespace}.svc:${service?.port ?? 443}`
      const url = `https://${host}${service?.path ?? ''}?timeout=10s`
      const call = `failed calling webhook "${webhook.name}"`
      const why = `Post "${url}": no endpoints available for service "${service?.name}"`
      throw new StatusError(500, 'InternalError', `Internal error occurred: ${call}: failed to call webhook: ${why}`, {
        causes: [{ message: call }],
      })
    }
    try {
      return answers(service?.path ?? '/', request) ?? request.object
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem
      throw new StatusError(
        400,
        'BadRequest',
        `admission webhook "${webhook.name}" denied the request: ${problem.message}`,
      )
    }
  }

  #isAbout(webhook: Configured, { operation, resource, object, subresource }: AdmissionRequest): boolean {
    const named = subresource ? `${resource.plural}/${subresource}` : resource.plural
    const rule = webhook.rules.some(
      ({ apiGroups, operations, resources }) =>
        (apiGroups.includes(resource.group) || apiGroups.includes('*')) &&
        (operations.includes(operation) || operations.includes('*')) &&
        resources.some(
          (each) =>
            each === named || each === '*/*' || (each === '*' && !subresource) || each === `${resource.plural}/*`,
        ),
    )
    if (!rule) return false
    const namespace = resource.namespaced ? this.#objects.get('namespaces', object.metadata.namespace ?? '') : undefined
    const inNamespace = !resource.namespaced || selects(webhook.namespaceSelector ?? {}, namespace?.metadata.labels)
    return inNamespace && selects(webhook.objectSelector ?? {}, object.metadata.labels)
  }
}
