import {
  conditionOf,
  isReadyPod,
  ownerReference,
  withConditions,
  type Condition,
  type KubeObject,
} from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { StatusError } from '../api/status-error.ts'
import { activatorsFor, decide, panicWindowOf, targetsOf } from './formulas.ts'
import type { KnativeHooks } from './hooks.ts'
import { METRICS, POD_AUTOSCALERS, revisionKey, SERVERLESS_SERVICES } from './kinds.ts'
import { logLine } from './log-line.ts'
import { MetricWindow } from './metric-window.ts'
import { annotation, autoscalerSettings, readConfig, revisionSettings, type AutoscalerSettings } from './settings.ts'

/** What the autoscaler keeps of one revision between two decisions. */
interface Decider {
  uid: string
  concurrency: MetricWindow
  requests: MetricWindow
  panicSince: number | undefined
  mostPanicPods: number
  scales: { at: number; desired: number }[]
  last: { stable: number; panic: number; excess: number; target: number; desired: number }
}

/** Where the autoscaler's figures come from: requests at once and a second, of a revision, since it last asked. */
export type Scrape = (revision: string) => { concurrency: number; requestsPerSecond: number }

/** Knative's autoscaler (KPA): sees every second, decides every two. */
export class Autoscaler {
  readonly deciders = new Map<string, Decider>()
  readonly #objects: Objects
  readonly #hooks: KnativeHooks
  readonly #scrape: Scrape
  readonly #log: (line: string) => void
  #sampledAt = Math.floor(Date.now() / 1000)

  constructor(objects: Objects, hooks: KnativeHooks, scrape: Scrape, log: (line: string) => void) {
    this.#objects = objects
    this.#hooks = hooks
    this.#scrape = scrape
    this.#log = log
  }

  /** Forgets what it saw, as an autoscaler does that starts anew. */
  restart(): void {
    this.deciders.clear()
  }

  /** Ends: Deployments keep the scale that they have. */
  end(): void {
    for (const [{ metadata }, replicas] of this.#hooks.scalesAtExit.apply(new Map(), this.#objects))
      this.#scale(metadata.name, metadata.namespace, replicas)
  }

  /** Measures every revision once a second; a measurement counts for the seconds that were missed before it, too. */
  sample(): void {
    const now = Math.floor(Date.now() / 1000)
    if (now <= this.#sampledAt) return
    const first = Math.max(this.#sampledAt + 1, now - 10)
    this.#sampledAt = now
    for (const podAutoscaler of this.#objects.list(POD_AUTOSCALERS)) {
      const decider = this.#deciderOf(podAutoscaler)
      const key = revisionKey(podAutoscaler.metadata.namespace, podAutoscaler.metadata.name)
      const { concurrency, requestsPerSecond } = this.#hooks.measurement.apply(this.#scrape(key))
      for (let second = first; second <= now; second++) {
        decider.concurrency.record(second, concurrency)
        decider.requests.record(second, requestsPerSecond)
      }
    }
  }

  /** A request waits for a revision without a pod: it is decided at once, and not at the next tick. */
  poke(name: string, namespace: string): void {
    const podAutoscaler = this.#objects.get(POD_AUTOSCALERS, name, namespace)
    if (!podAutoscaler) return
    this.#deciderOf(podAutoscaler).concurrency.record(Date.now() / 1000, 1)
    this.#deciderOf(podAutoscaler).requests.record(Date.now() / 1000, 1)
    this.reconcile(name, namespace)
  }

  reconcileAll(): void {
    for (const { metadata } of this.#objects.list(POD_AUTOSCALERS)) this.reconcile(metadata.name, metadata.namespace)
  }

  /**
   * Decides the scale and mode of a revision, and updates its Deployment and ServerlessService.
   * @returns whether it could
   */
  reconcile(name: string, namespace: string | undefined): boolean {
    const key = revisionKey(namespace, name)
    try {
      this.#reconcile(name, namespace)
      return true
    } catch (problem) {
      if (!(problem instanceof StatusError)) throw problem
      this.#log(logLine('ERROR', 'autoscaler', 'Reconcile error', { 'knative.dev/key': key, error: problem.message }))
      return false
    }
  }

  #reconcile(name: string, namespace: string | undefined): void {
    const podAutoscaler = this.#objects.get(POD_AUTOSCALERS, name, namespace)
    const deployment = this.#objects.get('deployments.apps', `${name}-deployment`, namespace)
    if (!podAutoscaler || podAutoscaler.metadata.deletionTimestamp || !deployment) return
    this.#ensureMetric(podAutoscaler)
    const { annotations } = podAutoscaler.metadata
    const settings = this.#hooks.settings.apply(
      revisionSettings(autoscalerSettings(readConfig(this.#objects, 'config-autoscaler')), annotations),
    )
    const pods = this.#objects
      .list('pods', namespace)
      .filter(
        (pod) => pod.metadata.labels?.['serving.knative.dev/revision'] === name && !pod.metadata.deletionTimestamp,
      )
    const ready = pods.filter(isReadyPod).length
    const targets = targetsOf(settings, annotations, Number(podAutoscaler.spec.containerConcurrency ?? 0))
    const decider = this.#deciderOf(podAutoscaler)
    const wanted = this.#decide(podAutoscaler, decider, settings, ready, targets)
    const scaled = this.#bound(podAutoscaler, settings, wanted, ready)
    const active = this.#activity(podAutoscaler, settings, scaled, ready, pods.length)
    const replicas = this.#replicas(podAutoscaler, settings, active, scaled)
    if (deployment.spec.replicas !== replicas) {
      this.#log(
        logLine('INFO', 'autoscaler', `Scaling from ${deployment.spec.replicas} to ${replicas}`, {
          'knative.dev/key': revisionKey(namespace, name),
        }),
      )
      this.#scale(deployment.metadata.name, namespace, replicas)
    }
    const excess = this.#hooks.excessBurstCapacity.apply(decider.last.excess, { readyPods: ready })
    const mode = replicas > 0 && ready > 0 && active.status !== 'False' && excess >= 0 ? 'Serve' : 'Proxy'
    this.#ensureServerlessService(podAutoscaler, mode, activatorsFor(settings, targets.total, ready))
    this.#writeStatus(podAutoscaler, replicas, ready, active)
  }

  #scale(deployment: string, namespace: string | undefined, replicas: number): void {
    this.#objects.change('deployments.apps', deployment, namespace, (draft) => void (draft.spec.replicas = replicas))
  }

  #deciderOf({ metadata: { name, namespace, uid = '' } }: KubeObject): Decider {
    const key = revisionKey(namespace, name)
    let decider = this.deciders.get(key)
    // One of the same name is another revision, of which nothing is known.
    if (decider?.uid !== uid) {
      // Nor is what came for the other one its own.
      this.#scrape(key)
      const ready = this.#objects
        .list('pods', namespace)
        .filter((pod) => pod.metadata.labels?.['serving.knative.dev/revision'] === name && isReadyPod(pod)).length
      decider = {
        uid,
        concurrency: new MetricWindow(3600),
        requests: new MetricWindow(3600),
        panicSince: ready > 1 ? Date.now() / 1000 : undefined,
        mostPanicPods: ready,
        scales: [],
        last: { stable: 0, panic: 0, excess: -1, target: 0, desired: 0 },
      }
      this.deciders.set(key, decider)
    }
    return decider
  }

  /** The scale that the windows ask for, with the memory of panic mode and of a delayed scale-down. */
  #decide(
    podAutoscaler: KubeObject,
    decider: Decider,
    settings: AutoscalerSettings,
    ready: number,
    targets: { total: number; target: number },
  ): number {
    const now = Date.now() / 1000
    const key = revisionKey(podAutoscaler.metadata.namespace, podAutoscaler.metadata.name)
    const window =
      annotation(podAutoscaler.metadata.annotations, 'metric') === 'rps' ? decider.requests : decider.concurrency
    const [stable, panic] = [window.average(now, settings.stableWindow), window.average(now, panicWindowOf(settings))]
    const reachable = podAutoscaler.spec.reachability !== 'Unreachable'
    const decision = this.#hooks.decision.apply(decide(settings, targets, { ready, stable, panic, reachable }))
    if (decision.overThreshold) {
      if (decider.panicSince === undefined)
        this.#log(logLine('INFO', 'autoscaler', 'PANICKING.', { 'knative.dev/key': key }))
      decider.panicSince = now
    } else if (decider.panicSince !== undefined && decider.panicSince + settings.stableWindow < now) {
      decider.panicSince = undefined
      decider.mostPanicPods = 0
      this.#log(logLine('INFO', 'autoscaler', 'Un-panicking.', { 'knative.dev/key': key }))
    }
    let { desired } = decision
    if (decider.panicSince !== undefined) {
      decider.mostPanicPods = Math.max(decider.mostPanicPods, decision.desiredStable, decision.desiredPanic)
      desired = decider.mostPanicPods
    }
    if (settings.scaleDownDelay > 0) {
      decider.scales = [...decider.scales.filter(({ at }) => at > now - settings.scaleDownDelay), { at: now, desired }]
      desired = Math.max(...decider.scales.map((each) => each.desired))
    }
    decider.last = { stable, panic, excess: decision.excessBurstCapacity, target: targets.target, desired }
    if (/debug/i.test(readConfig(this.#objects, 'config-logging')['loglevel.autoscaler'] ?? '')) {
      this.#log(
        logLine(
          'DEBUG',
          'autoscaler',
          `Observed average scaling metric value: ${stable.toFixed(3)}, targeting ${targets.target.toFixed(3)}.`,
          { 'knative.dev/key': key },
        ),
      )
    }
    return desired
  }

  /** Between its least and its most; until its first scale was reached not below that. */
  #bound(podAutoscaler: KubeObject, settings: AutoscalerSettings, wanted: number, ready: number): number {
    const reachable = podAutoscaler.spec.reachability !== 'Unreachable'
    const initialized = conditionOf(podAutoscaler, 'ScaleTargetInitialized')?.status === 'True'
    const zero = settings.initialScale === 0 && !settings.minScale
    const first = this.#hooks.initialScale.apply(zero ? 0 : Math.max(settings.initialScale, 1))
    let least = reachable ? settings.minScale : 0
    if (!initialized && ready < Math.max(first, least)) least = Math.max(least, first)
    else if (!initialized) least = Math.max(least, Math.min(first, ready))
    const scale = Math.max(least, wanted)
    return settings.maxScale > 0 ? Math.min(settings.maxScale, scale) : scale
  }

  /** The PodAutoscaler's condition Active: False once nothing came for a whole stable window, and nothing keeps it. */
  #activity(
    podAutoscaler: KubeObject,
    settings: AutoscalerSettings,
    scaled: number,
    ready: number,
    pods: number,
  ): Omit<Condition, 'lastTransitionTime'> {
    const was = conditionOf(podAutoscaler, 'Active')
    const since = (Date.now() - new Date(was?.lastTransitionTime ?? Date.now()).getTime()) / 1000
    if (scaled === 0) {
      // One that became active less than a stable window ago keeps its last pod.
      if (was?.status === 'True' && since < settings.stableWindow) return { type: 'Active', status: 'True' }
      const idle = { reason: 'NoTraffic', message: 'The target is not receiving traffic.' }
      if (settings.initialScale === 0 && ready === 0) return { type: 'Active', status: 'False', ...idle }
      if (was?.status === 'Unknown') return ready > 0 ? { type: 'Active', status: 'True' } : was
      return { type: 'Active', status: 'False', ...idle }
    }
    const least = Math.max(1, podAutoscaler.spec.reachability === 'Unreachable' ? 0 : settings.minScale)
    if (ready >= Math.min(least, scaled)) return { type: 'Active', status: 'True' }
    return was?.status === 'True'
      ? was
      : {
          type: 'Active',
          status: 'Unknown',
          reason: 'Queued',
          message: pods
            ? 'Requests to the target are being buffered as resources are provisioned.'
            : 'Requests to the target are being buffered as resources are provisioned.',
        }
  }

  /** The pods to have: the last one goes after the retention and the grace period. */
  #replicas(
    podAutoscaler: KubeObject,
    settings: AutoscalerSettings,
    active: Omit<Condition, 'lastTransitionTime'>,
    scaled: number,
  ): number {
    if (scaled > 0) return scaled
    if (!settings.enableScaleToZero || active.status !== 'False') return 1
    const initialized = conditionOf(podAutoscaler, 'ScaleTargetInitialized')?.status === 'True'
    if (settings.initialScale === 0 && !initialized) return 0
    const was = conditionOf(podAutoscaler, 'Active')
    const inactive = was?.status === 'False' ? (Date.now() - new Date(was.lastTransitionTime ?? 0).getTime()) / 1000 : 0
    const retention = podAutoscaler.spec.reachability === 'Unreachable' ? 0 : settings.retention
    const serverless = this.#objects.get(
      SERVERLESS_SERVICES,
      podAutoscaler.metadata.name,
      podAutoscaler.metadata.namespace,
    )
    const backed = conditionOf(serverless, 'ActivatorEndpointsPopulated')
    const proxied =
      backed?.status === 'True' ? (Date.now() - new Date(backed.lastTransitionTime ?? 0).getTime()) / 1000 : 0
    const current = Number(podAutoscaler.status?.desiredScale ?? 1)
    const mayGo =
      inactive >= Math.max(settings.gracePeriod, retention) ||
      (was?.status === 'False' && inactive >= retention && proxied >= settings.gracePeriod)
    return mayGo || current === 0 ? 0 : 1
  }

  /** @throws StatusError 404 where its CRD is gone */
  #ensureMetric(podAutoscaler: KubeObject): void {
    const { name, namespace, labels } = podAutoscaler.metadata
    if (!this.#objects.resources.byId(METRICS)) {
      const message =
        'error reconciling Metric: error creating metric: the server could not find the requested resource'
      throw new StatusError(404, 'NotFound', message)
    }
    this.#objects.ensure(METRICS, {
      apiVersion: 'autoscaling.internal.knative.dev/v1alpha1',
      kind: 'Metric',
      metadata: {
        name,
        ...(namespace ? { namespace } : {}),
        labels: labels ?? {},
        ownerReferences: [ownerReference(podAutoscaler)],
      },
      spec: { scrapeTarget: `${name}-private` },
    })
  }

  #ensureServerlessService(podAutoscaler: KubeObject, mode: string, numActivators: number): void {
    const { name, namespace, labels, annotations } = podAutoscaler.metadata
    this.#objects.ensure(SERVERLESS_SERVICES, {
      apiVersion: 'networking.internal.knative.dev/v1alpha1',
      kind: 'ServerlessService',
      metadata: {
        name,
        ...(namespace ? { namespace } : {}),
        labels: labels ?? {},
        annotations: annotations ?? {},
        ownerReferences: [ownerReference(podAutoscaler)],
      },
      spec: { mode, numActivators, objectRef: podAutoscaler.spec.scaleTargetRef, protocolType: 'http1' },
    })
  }

  #writeStatus(
    podAutoscaler: KubeObject,
    desired: number,
    ready: number,
    active: Omit<Condition, 'lastTransitionTime'>,
  ): void {
    const { name, namespace, generation, annotations } = podAutoscaler.metadata
    const serverless = this.#objects.get(SERVERLESS_SERVICES, name, namespace)
    const configured = readConfig(this.#objects, 'config-autoscaler')['initial-scale']
    const first = this.#hooks.initialScale.apply(Number(annotation(annotations, 'initial-scale') ?? configured ?? 1))
    const least = Math.max(first, Number(annotation(annotations, 'min-scale') ?? 0), first === 0 ? 0 : 1)
    const initialized = conditionOf(podAutoscaler, 'ScaleTargetInitialized')?.status === 'True' || ready >= least
    const served = conditionOf(serverless, 'Ready')
    this.#objects.change(
      POD_AUTOSCALERS,
      name,
      namespace,
      (draft) => {
        draft.status = {
          observedGeneration: generation,
          desiredScale: desired,
          actualScale: ready,
          metricsServiceName: `${name}-private`,
          serviceName: name,
          conditions: withConditions(
            draft.status?.conditions,
            active,
            { type: 'SKSReady', status: served?.status ?? 'Unknown' },
            { type: 'ScaleTargetInitialized', status: initialized ? 'True' : 'Unknown' },
            { type: 'Ready', status: active.status, ...(active.reason ? { reason: active.reason } : {}) },
          ),
        }
      },
      'status',
    )
  }
}
