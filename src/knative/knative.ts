import type { RevisionName } from './revision.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { DeadlineName } from '../core/deadlines.ts'
import { Autoscaler } from './autoscaler.ts'
import { readyEndpoints } from '../kube/endpoints.ts'
import { ACCEPTED, refusalOf } from '../kube/errors.ts'
import { readManifest } from '../kube/manifest.ts'
import { SERVICE } from '../kube/kinds.ts'
import { labelQuery } from '../kube/selector.ts'
import { allTrue } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { theKnative } from '../survey/surveyed.ts'
import type { Ingress, Served } from '../traffic/ingress.ts'
import { workloadNamespace } from '../cluster/workload.ts'
import { knativeNamespace } from '../survey/surveyed.ts'
import { componentOf } from './component-pods.ts'

/** What a check changes in the workload's Service. */
export interface ServiceOptions {
  /** Annotations of the revision; a key without a prefix gets autoscaling.knative.dev/. */
  scaling?: Readonly<Record<string, string>>
  /** Annotations of the Service itself. */
  annotations?: Readonly<Record<string, string>>
  labels?: Record<string, string>
  env?: Record<string, string>
  containerConcurrency?: number
  timeoutSeconds?: number
  resources?: object
  traffic?: object[]
}

/** A Knative Service that is Ready, and its latest ready revision. */
export interface ReadyService extends RevisionName {
  name: string
  /** Its status.url, and the host in it. */
  url: string
  host: string
  /** How its host is asked through the load balancer. */
  at: Served
  object: KubernetesObject
}

const QUEUE_PROXY = 'queue.sidecar.serving.knative.dev'

/** What `configured` sets, for the checks that compare it. */
export const CONFIGURED = {
  resources: { requests: { cpu: '15m', memory: '40Mi' }, limits: { cpu: '500m', memory: '140Mi' } },
  annotations: { 'networking.knative.dev/timeout': '5s', 'networking.knative.dev/retryAttempts': '3' },
  scaling: {
    target: '50',
    metric: 'concurrency',
    'target-utilization-percentage': '80',
    'initial-scale': '1',
    'min-scale': '1',
    'panic-window-percentage': '20',
    'panic-threshold-percentage': '300',
    [`${QUEUE_PROXY}/cpu-resource-request`]: '12m',
    [`${QUEUE_PROXY}/memory-resource-request`]: '30Mi',
    [`${QUEUE_PROXY}/cpu-resource-limit`]: '400m',
    [`${QUEUE_PROXY}/memory-resource-limit`]: '120Mi',
  },
  queueProxy: { requests: { cpu: '12m', memory: '30Mi' }, limits: { cpu: '400m', memory: '120Mi' } },
} as const

/** Knative Serving: its settings, and Services of the workload. */
export class Knative {
  readonly #cluster: Cluster
  readonly #ingress: Ingress

  constructor(cluster: Cluster, ingress: Ingress) {
    this.#cluster = cluster
    this.#ingress = ingress
  }

  /**
   * The settings in one of Knative's ConfigMaps, without `_example`, which Knative ignores. Empty if the map does not
   * exist.
   */
  async settings(configMap: string): Promise<Record<string, string>> {
    const map = await this.#cluster.maybe('v1/ConfigMap', configMap, await this.namespace())
    return Object.fromEntries(
      Object.entries((map?.data ?? {}) as Record<string, string>).filter(([key]) => key !== '_example'),
    )
  }

  /** The namespace of Knative Serving. */
  namespace(): Promise<string> {
    return knativeNamespace(this.#cluster)
  }

  /**
   * The version of one of Knative's components.
   * @throws StackFailure where it is missing, or does not tell its version
   */
  async version(component = 'controller'): Promise<string> {
    const { namespace, name, version } = await componentOf(this.#cluster, component)
    if (!version)
      throw new StackFailure(
        `Deployment ${namespace}/${name} does not tell its version: ` +
          'it has no label app.kubernetes.io/version, and no tag of its image does.',
      )
    return version
  }

  /** The manifest of a Service of the workload. */
  manifest(namespace: string, name: string, options: ServiceOptions = {}): KubernetesObject {
    const [service] = readManifest('knative/service.yaml', {
      namespace,
      name,
      nodeImage: this.#cluster.config.images.node,
    })
    if (!service) throw new Error('fixtures/knative/service.yaml is empty')
    const template = service.spec.template
    const [container] = template.spec.containers
    for (const [key, value] of Object.entries(options.scaling ?? {})) {
      template.metadata.annotations[key.includes('/') ? key : `autoscaling.knative.dev/${key}`] = value
    }
    if (options.annotations) service.metadata!.annotations = options.annotations
    if (options.labels) service.metadata!.labels = options.labels
    for (const [key, value] of Object.entries(options.env ?? {})) {
      const others = container.env.filter((variable: { name: string }) => variable.name !== key)
      container.env = [...others, { name: key, value }]
    }
    if (options.containerConcurrency !== undefined) template.spec.containerConcurrency = options.containerConcurrency
    if (options.timeoutSeconds !== undefined) template.spec.timeoutSeconds = options.timeoutSeconds
    if (options.resources) container.resources = options.resources
    if (options.traffic) service.spec.traffic = options.traffic
    return service
  }

  /** Applies a Service of the workload and waits until it is Ready in this generation. */
  async service(
    namespace: string,
    name: string,
    options: ServiceOptions = {},
    within: DeadlineName = 'serviceReady',
  ): Promise<ReadyService> {
    await this.#cluster.apply(this.manifest(namespace, name, options))
    return this.ready(namespace, name, within)
  }

  /**
   * Waits until every webhook accepts a Service that a changed setting allows: each webhook pod reads settings on its
   * own.
   * @throws StackFailure at the deadline, with the webhook's refusal
   */
  async untilAccepted(service: KubernetesObject): Promise<void> {
    await this.#untilWebhooksDrained()
    const refusal = async () => {
      const response = await refusalOf(this.#cluster.dryCreate(service))
      return response === ACCEPTED ? undefined : response
    }
    const what = `acceptance of Service ${service.metadata?.namespace}/${service.metadata?.name} by the webhooks`
    return this.#cluster.eventually(what, refusal, 'settingRead', { inARow: 5 })
  }

  /**
   * Waits until no webhook pod is terminating. A terminating webhook serves with its old settings until 45 s after its
   * last request (knative.dev/pkg, network/handlers/drain.go), and the API server keeps connections to it: repeated
   * requests would keep it alive. Its replacement is running already, and a shorter grace period does not speed up a
   * termination that has begun.
   */
  async #untilWebhooksDrained(): Promise<void> {
    const { namespace, selector } = await componentOf(this.#cluster, 'webhook')
    const { items } = await this.#cluster.k8s.list('v1/Pod', { namespace, labels: labelQuery(selector) })
    const draining = items.filter(({ metadata }) => metadata?.deletionTimestamp)
    for (const { metadata } of draining) {
      const pod = { kind: 'v1/Pod' as const, namespace, name: metadata?.name ?? '' }
      await this.#cluster.until(pod, (pods) => (pods.length ? 'it is still terminating' : undefined), 'podReady')
    }
  }

  /** Waits until a Service is Ready in this generation. */
  async ready(namespace: string, name: string, within: DeadlineName = 'serviceReady'): Promise<ReadyService> {
    const [object] = await this.#cluster.until({ kind: SERVICE, namespace, name }, allTrue('Ready'), within)
    const url = object?.status?.url as string | undefined
    const revision = object?.status?.latestReadyRevisionName as string | undefined
    if (!object || !url || !revision)
      throw new StackFailure(
        `Service ${namespace}/${name} is Ready, but status.url is ${url ?? 'not set'} ` +
          `and status.latestReadyRevisionName is ${revision ?? 'not set'}.`,
      )
    const at = await this.serving(url)
    return { name, namespace, url, host: at.host, at, revision, object }
  }

  /**
   * How the host of a URL in Knative's status is asked, and has requests for it go there: by https where the URL says
   * so, or where Knative redirects plain HTTP or does not serve it.
   */
  async serving(url: string): Promise<Served> {
    const { host, protocol } = new URL(url)
    const { httpProtocol } = await theKnative(this.#cluster)
    const served: Served = { host, scheme: protocol === 'https:' || httpProtocol !== 'enabled' ? 'https' : 'http' }
    this.#ingress.serves(served)
    return served
  }

  /**
   * A Service with resources for both containers, autoscaling annotations, and the guide's annotations that Knative
   * ignores. Created once a run.
   */
  configured(): Promise<ReadyService> {
    return this.#cluster.shared('configured', async () =>
      this.service(await workloadNamespace(this.#cluster, 'configured'), 'configured', CONFIGURED),
    )
  }

  /** A Service of one pod with spare capacity: 100 minus a burst capacity of 10. Created once a run. */
  spare(): Promise<ReadyService> {
    const scaling = { 'min-scale': '1', 'max-scale': '1', target: '100', 'target-burst-capacity': '10' }
    return this.#cluster.shared('spare', async () =>
      this.service(await workloadNamespace(this.#cluster, 'spare'), 'spare', { scaling }),
    )
  }

  /**
   * A Service that was scaled to zero, and the seconds from its last request until it had no pod. Its stable window is
   * 6 s, its retention period 10 s. Created once a run.
   */
  idle(): Promise<{ service: ReadyService; idleSeconds: number }> {
    return this.#cluster.shared('idle', () =>
      this.scaledToZero('idle', { 'scale-to-zero-pod-retention-period': '10s' }),
    )
  }

  /**
   * Creates a Service in its own namespace, sends it one request, and waits until it has scaled to zero. Its window is
   * 6 s.
   */
  async scaledToZero(
    name: string,
    scaling: Record<string, string> = {},
  ): Promise<{ service: ReadyService; idleSeconds: number }> {
    const service = await this.service(await workloadNamespace(this.#cluster, name), name, {
      scaling: { window: '6s', ...scaling },
    })
    await this.#ingress.until({ host: service.host, within: 'coldRequest' }, (answer) => answer.status === 200)
    const last = performance.now()
    await new Autoscaler(this.#cluster, service).untilPods(0, 'scaleToZero')
    const idleSeconds = (performance.now() - last) / 1000
    // A terminating pod still answers: a request is cold only once the activator has no Ready endpoint left.
    await this.#cluster.until(
      {
        kind: 'discovery.k8s.io/v1/EndpointSlice',
        namespace: service.namespace,
        labels: `kubernetes.io/service-name=${service.revision}-private`,
      },
      (slices) => {
        const ready = readyEndpoints(slices)
        return ready ? `${ready} endpoints are still ready, expected 0` : undefined
      },
      'scale',
    )
    return { service, idleSeconds }
  }

  /** The hello Service, in its own namespace, that several checks use. Created once a run. */
  hello(): Promise<ReadyService> {
    return this.#cluster.shared('hello', async () =>
      this.service(await workloadNamespace(this.#cluster, 'hello'), 'hello'),
    )
  }
}
