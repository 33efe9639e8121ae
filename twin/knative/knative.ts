import type { Admission } from '../api/admission.ts'
import { Controller, controlledBy } from '../api/controller.ts'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import type { Image } from '../kubelet/container.ts'
import type { Network } from '../network.ts'
import { Activators } from './activator.ts'
import { Autoscaler } from './autoscaler.ts'
import type { KnativeHooks } from './hooks.ts'
import {
  CONFIGURATIONS,
  INGRESSES,
  LABEL,
  METRICS,
  POD_AUTOSCALERS,
  REVISIONS,
  revisionKey,
  ROUTES,
  SERVERLESS_SERVICES,
  SERVICES,
} from './kinds.ts'
import { externalTlsIsOn, KNATIVE_CERTIFICATES, reconcileCertificate } from './certificates.ts'
import { Rollouts } from './rollouts.ts'
import { logLine } from './log-line.ts'
import { activatorSamples, autoscalerSamples, controllerSamples, serveMetrics } from './metrics.ts'
import { NetIstio } from './net-istio.ts'
import { QueueProxy } from './queue-proxy.ts'
import { reconcileRevision } from './revisions.ts'
import { reconcileRoute } from './routes.ts'
import { reconcileServerlessService } from './serverless-services.ts'
import { reconcileConfiguration, reconcileService } from './services.ts'
import { readConfig } from './settings.ts'
import { knativeWebhook } from './webhook.ts'

type ComponentName =
  'controller' | 'autoscaler' | 'activator' | 'webhook' | 'net-istio-controller' | 'net-istio-webhook'

// An activator that is told to end serves on, the real one for 45 s, while its endpoint goes.
const DRAIN_MS = 1500

/** Knative Serving and net-istio: each works while a pod of its component runs. */
export class Knative {
  readonly #objects: Objects
  readonly #hooks: KnativeHooks
  readonly #version: string
  readonly #components: Record<ComponentName, Component> = {
    controller: new Component(),
    autoscaler: new Component(),
    activator: new Component(),
    webhook: new Component(),
    'net-istio-controller': new Component(),
    'net-istio-webhook': new Component(),
  }
  readonly #queues = new Set<QueueProxy>()
  readonly #autoscaler: Autoscaler
  readonly #activators: Activators
  readonly #timers: NodeJS.Timeout[] = []

  constructor(objects: Objects, admission: Admission, network: Network, hooks: KnativeHooks, version: string) {
    this.#objects = objects
    this.#hooks = hooks
    this.#version = version
    const { autoscaler: scaler } = this.#components
    this.#autoscaler = new Autoscaler(
      objects,
      hooks,
      (revision) => this.#seen(revision),
      (line) => scaler.log(line),
    )
    this.#activators = new Activators(objects, hooks, (name, namespace) => {
      if (scaler.isUp) this.#autoscaler.poke(name, namespace)
    })
    const home = objects.layout.knative.namespace
    admission.serve(`${home}/webhook`, knativeWebhook(objects))
    admission.serve(`${home}/net-istio-webhook`, () => undefined)
    scaler.onChange((_, up) => {
      if (up && scaler.running.size === 1) this.#autoscaler.restart()
      if (!scaler.isUp) this.#autoscaler.end()
    })
    this.#components.activator.onChange((container, up) => {
      if (!up) this.#activators.forget(container)
    })
    this.#runControllers()
    this.#runNetIstio(network)
    this.#timers.push(
      setInterval(() => void (scaler.isUp && this.#autoscaler.sample()), 200),
      setInterval(() => void (scaler.isUp && this.#autoscaler.reconcileAll()), 2000),
    )
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** The images of Knative's and net-istio's components by the last part of their name, and queue-proxy's. */
  images(): Record<string, Image> {
    const metrics = (samples: () => ReturnType<typeof autoscalerSamples>) => () => ({
      9090: serveMetrics(
        this.#version,
        readConfig(this.#objects, 'config-observability')['metrics-protocol'] === 'prometheus',
        samples,
      ),
    })
    const {
      controller,
      autoscaler,
      activator,
      webhook,
      'net-istio-controller': netIstio,
      'net-istio-webhook': netIstioWebhook,
    } = this.#components
    return {
      'serving/cmd/controller': this.#withLog('controller', controller.image(metrics(controllerSamples))),
      'serving/cmd/autoscaler': this.#withLog(
        'autoscaler',
        autoscaler.image(metrics(() => autoscalerSamples(this.#objects, this.#autoscaler))),
      ),
      'serving/cmd/activator': this.#withLog(
        'activator',
        activator.image(
          (container) => ({
            ...metrics(activatorSamples)(),
            8012: (request, response) => void this.#activators.handle(container, request, response),
          }),
          () => this.#hooks.activatorDrainMs.apply(DRAIN_MS),
        ),
      ),
      'serving/cmd/webhook': this.#withLog('webhook', webhook.image()),
      'net-istio/cmd/controller': this.#withLog('net-istio-controller', netIstio.image()),
      'net-istio/cmd/webhook': this.#withLog('net-istio-webhook', netIstioWebhook.image()),
      'serving/cmd/queue': async (container) => {
        const queue = new QueueProxy(container, this.#hooks)
        this.#queues.add(queue)
        const program = await queue.start()
        return {
          stop: async () => {
            await program.stop?.()
            this.#queues.delete(queue)
          },
        }
      },
    }
  }

  /** The requests of a revision: those that its queue-proxies got directly, and those that the activators got. */
  #seen(revision: string): { concurrency: number; requestsPerSecond: number } {
    const sum = this.#activators.report(revision)
    for (const queue of this.#queues) {
      if (queue.revision !== revision) continue
      const { concurrency, requestsPerSecond } = queue.stats.report()
      sum.concurrency += concurrency
      sum.requestsPerSecond += requestsPerSecond
    }
    return sum
  }

  #withLog(logger: string, image: Image): Image {
    return async (container) => {
      container.log.write(
        `${new Date().toISOString().replace(/-/g, '/').replace('T', ' ').slice(0, 19)} Registering 1 clients`,
      )
      container.log.write(
        logLine('INFO', logger, `Starting ${logger}`, { 'knative.dev/pod': container.pod.metadata.name }),
      )
      if (/debug/i.test(readConfig(this.#objects, 'config-logging')[`loglevel.${logger}`] ?? ''))
        container.log.write(logLine('DEBUG', logger, 'Logging level is debug'))
      return (await image(container)) ?? {}
    }
  }

  /** A reconciler that works while its component is up, and tells of each object in its log. */
  #controller(
    component: ComponentName,
    kind: string,
    reconcile: (name: string, namespace: string | undefined) => void | boolean | Promise<void>,
  ): Controller {
    const found = this.#components[component]
    const failures = new Map<string, number>()
    const controller: Controller = new Controller(kind, async (name, namespace) => {
      if (!found.isUp) return controller.enqueue(name, namespace, 300)
      const key = revisionKey(namespace, name)
      if ((await reconcile(name, namespace)) === false) {
        // Again soon, and then less and less so, as controller-runtime's rate limiter has it.
        failures.set(key, (failures.get(key) ?? 0) + 1)
        return controller.enqueue(name, namespace, Math.min(30_000, 5 * 2 ** (failures.get(key) ?? 0)))
      }
      failures.delete(key)
      found.log(
        logLine('INFO', component, 'Reconcile succeeded', {
          'knative.dev/kind': kind,
          'knative.dev/key': revisionKey(namespace, name),
        }),
      )
    })
    return controller
  }

  #runControllers(): void {
    const objects = this.#objects
    const services = this.#controller('controller', 'serving.knative.dev.Service', (name, namespace) =>
      reconcileService(objects, name, namespace),
    )
    services
      .watch(objects, SERVICES)
      .watch(objects, CONFIGURATIONS, controlledBy('Service'))
      .watch(objects, ROUTES, controlledBy('Service'))
    const configurations = this.#controller('controller', 'serving.knative.dev.Configuration', (name, namespace) =>
      reconcileConfiguration(objects, name, namespace),
    )
    configurations.watch(objects, CONFIGURATIONS).watch(objects, REVISIONS, controlledBy('Configuration'))
    const revisions = this.#controller('controller', 'serving.knative.dev.Revision', (name, namespace) =>
      reconcileRevision(objects, this.#hooks, name, namespace),
    )
    revisions
      .watch(objects, REVISIONS)
      .watch(objects, POD_AUTOSCALERS, controlledBy('Revision'))
      .watch(objects, 'deployments.apps', controlledBy('Revision'))
      .watch(objects, 'pods', ({ metadata }) =>
        metadata.labels?.[`${LABEL}/revision`]
          ? { name: metadata.labels[`${LABEL}/revision`]!, namespace: metadata.namespace }
          : undefined,
      )
    const rollouts = new Rollouts(objects, this.#hooks, (name, namespace) => routes.enqueue(name, namespace))
    const routes: Controller = this.#controller('controller', 'serving.knative.dev.Route', (name, namespace) =>
      reconcileRoute(objects, rollouts, name, namespace),
    )
    this.#runCertificates()
    objects.store.listen(KNATIVE_CERTIFICATES, ({ object }) => {
      const owner = controlledBy('Route')(object)
      if (owner) routes.enqueue(owner.name, owner.namespace)
    })
    routes.watch(objects, ROUTES).watch(objects, INGRESSES, controlledBy('Route'))
    const routesOf = (namespace: string | undefined) => {
      for (const route of objects.list(ROUTES, namespace)) routes.enqueue(route.metadata.name, route.metadata.namespace)
    }
    for (const resource of [CONFIGURATIONS, REVISIONS])
      objects.store.listen(resource, ({ object }) => routesOf(object.metadata.namespace))
    const serverless = this.#controller(
      'controller',
      'networking.internal.knative.dev.ServerlessService',
      (name, namespace) => reconcileServerlessService(objects, this.#hooks, name, namespace),
    )
    serverless.watch(objects, SERVERLESS_SERVICES)
    objects.store.listen('endpoints', ({ object: { metadata } }) => {
      if (metadata.name.endsWith('-private'))
        serverless.enqueue(metadata.name.replace(/-private$/, ''), metadata.namespace)
      else if (metadata.name === 'activator-service')
        for (const each of objects.list(SERVERLESS_SERVICES))
          serverless.enqueue(each.metadata.name, each.metadata.namespace)
    })
    const autoscalers = this.#controller(
      'autoscaler',
      'autoscaling.internal.knative.dev.PodAutoscaler',
      (name, namespace) => this.#autoscaler.reconcile(name, namespace),
    )
    autoscalers.watch(objects, POD_AUTOSCALERS).watch(objects, METRICS, controlledBy('PodAutoscaler'))
    objects.store.listen('endpoints', ({ object: { metadata } }) => {
      if (metadata.name.endsWith('-private'))
        autoscalers.enqueue(metadata.name.replace(/-private$/, ''), metadata.namespace)
    })
    objects.store.listen('configmaps', ({ object: { metadata } }) => {
      if (metadata.namespace !== objects.layout.knative.namespace) return
      for (const [resource, controller] of [
        [REVISIONS, revisions],
        [ROUTES, routes],
        [POD_AUTOSCALERS, autoscalers],
      ] as const)
        for (const each of objects.list(resource)) controller.enqueue(each.metadata.name, each.metadata.namespace)
    })
  }

  /** The certificate reconciler: the controller has it where certificates are on when it starts. */
  #runCertificates(): void {
    let on = false
    this.#components.controller.onChange((_, up) => {
      if (up) on = externalTlsIsOn(this.#objects)
    })
    const certificates = this.#controller(
      'controller',
      'networking.internal.knative.dev.Certificate',
      (name, namespace) => {
        if (on) reconcileCertificate(this.#objects, name, namespace)
      },
    )
    certificates
      .watch(this.#objects, KNATIVE_CERTIFICATES)
      .watch(this.#objects, 'certificates.cert-manager.io', controlledBy('Certificate'))
    this.#components.controller.onChange((_, up) => {
      if (up)
        for (const { metadata } of this.#objects.list(KNATIVE_CERTIFICATES))
          certificates.enqueue(metadata.name, metadata.namespace)
    })
  }

  #runNetIstio(network: Network): void {
    const netIstio = new NetIstio(this.#objects, network, this.#hooks)
    const ingresses: Controller = this.#controller(
      'net-istio-controller',
      'networking.internal.knative.dev.Ingress',
      (name, namespace) => netIstio.reconcile(name, namespace, ingresses),
    )
    ingresses
      .watch(this.#objects, INGRESSES)
      .watch(this.#objects, 'virtualservices.networking.istio.io', controlledBy('Ingress'))
  }
}
