import type { ExpectStatic } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from './cluster.ts'

/** One admission webhook with what it calls. */
export interface AdmissionWebhook {
  configuration: string
  name: string
  failurePolicy: string
  caBundle: string | undefined
  service: { name: string; namespace: string }
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

  /** Asserts that the webhooks whose Service `which` picks have a CA bundle and a ready endpoint; gives what was seen. */
  async serve(expect: ExpectStatic, which: (service: { name: string; namespace: string }) => boolean): Promise<string> {
    const webhooks = (await this.all()).filter(({ service }) => which(service))
    expect(webhooks.length, 'admission webhooks found').toBeGreaterThan(0)
    const without = webhooks
      .filter(({ caBundle }) => !caBundle)
      .map(({ configuration, name }) => `${configuration}/${name}`)
    expect(without, 'webhooks without a CA bundle').toEqual([])
    for (const service of new Map(
      webhooks.map((webhook) => [`${webhook.service.namespace}/${webhook.service.name}`, webhook.service]),
    ).values()) {
      expect(
        await this.readyEndpoints(service),
        `ready endpoints of Service ${service.namespace}/${service.name}`,
      ).toBeGreaterThan(0)
    }
    return `${webhooks.length} webhooks of ${new Set(webhooks.map((each) => each.configuration)).size} configurations have a CA bundle and ready endpoints`
  }
}
