import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from './cluster.ts'

/** One admission webhook with what it calls. */
export interface AdmissionWebhook {
  configuration: string
  name: string
  failurePolicy: string
  caBundle: string | undefined
  /** The annotations of its configuration, and when that was made. */
  annotations: Readonly<Record<string, string>>
  createdAt: string
  service: { name: string; namespace: string }
}

/** Whether the API server can call the webhooks of some Services. */
export interface WebhookReadiness {
  /** How many webhooks there are, and in how many configurations. */
  webhooks: number
  configurations: number
  /** A sentence for each webhook without a CA bundle, and for each Service without a ready endpoint. */
  troubles: string[]
}

/** The cluster's admission webhooks. */
export class Webhooks {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Every webhook that calls a Service, of both kinds of configuration. */
  async all(): Promise<AdmissionWebhook[]> {
    const lists = await Promise.all(
      ['Validating', 'Mutating'].map((type) =>
        this.#cluster.all(`admissionregistration.k8s.io/v1/${type}WebhookConfiguration`),
      ),
    )
    return lists.flat().flatMap((configuration) =>
      ((configuration.webhooks ?? []) as KubernetesObject[])
        .filter((webhook) => webhook.clientConfig?.service)
        .map((webhook) => ({
          configuration: configuration.metadata?.name ?? '',
          name: String(webhook.name),
          failurePolicy: String(webhook.failurePolicy),
          caBundle: webhook.clientConfig.caBundle as string | undefined,
          annotations: configuration.metadata?.annotations ?? {},
          createdAt: String(configuration.metadata?.creationTimestamp ?? ''),
          service: webhook.clientConfig.service as { name: string; namespace: string },
        })),
    )
  }

  /** The endpoints of a Service that are ready. */
  async readyEndpoints({ name, namespace }: { name: string; namespace: string }): Promise<number> {
    const slices = (await this.#cluster.all('discovery.k8s.io/v1/EndpointSlice')).filter(
      (slice) =>
        slice.metadata?.namespace === namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === name,
    )
    // An endpoint without the condition is ready: EndpointSlice's API says to take nil so.
    return slices
      .flatMap((slice) => (slice.endpoints ?? []) as { conditions?: { ready?: boolean } }[])
      .filter(({ conditions }) => conditions?.ready !== false).length
  }

  /** Looks whether the webhooks that `selects` picks have a CA bundle and a ready endpoint. */
  async readiness(selects: (webhook: AdmissionWebhook) => boolean): Promise<WebhookReadiness> {
    const webhooks = (await this.all()).filter(selects)
    const services = new Map(webhooks.map(({ service }) => [`${service.namespace}/${service.name}`, service]))
    const withoutEndpoint: string[] = []
    for (const [name, service] of services)
      if ((await this.readyEndpoints(service)) === 0) withoutEndpoint.push(`Service ${name} has no ready endpoint`)
    return {
      webhooks: webhooks.length,
      configurations: new Set(webhooks.map(({ configuration }) => configuration)).size,
      troubles: [
        ...webhooks
          .filter(({ caBundle }) => !caBundle)
          .map(({ configuration, name }) => `${configuration}, webhook ${name}: clientConfig.caBundle is empty`),
        ...withoutEndpoint,
      ],
    }
  }
}
