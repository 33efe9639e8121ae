import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { Hook } from '../hook.ts'
import type { Decision } from './formulas.ts'
import type { AutoscalerSettings } from './settings.ts'

/** What net-istio adds to every route of an Ingress. */
export interface RoutePolicy {
  timeout?: string | undefined
  retries: { attempts?: number }
}

/** The hooks of Knative Serving and net-istio, component by component. */
export class KnativeHooks {
  // The controller.

  readonly initialScale = new Hook<number>()
  /** A container of the user in a revision's Deployment. */
  readonly userContainer = new Hook<KubeObject['spec']>()
  /** The annotations that a PodAutoscaler gets from its Revision. */
  readonly podAutoscalerAnnotations = new Hook<Record<string, string>>()
  /** The mode, Serve or Proxy, by which the endpoints of a ServerlessService are written. */
  readonly endpointsMode = new Hook<string>()
  /** How long traffic takes to move to a new revision. */
  readonly rolloutSeconds = new Hook<number>()

  // The autoscaler.

  readonly settings = new Hook<AutoscalerSettings>()
  /** The requests of a revision in one second. */
  readonly measurement = new Hook<{ concurrency: number; requestsPerSecond: number }>()
  readonly decision = new Hook<Decision>()
  readonly excessBurstCapacity = new Hook<number, { readyPods: number }>()
  /** The Deployments that are scaled, and to how many pods, when the last pod of the autoscaler ends. */
  readonly scalesAtExit = new Hook<Map<KubeObject, number>, Objects>()

  // The activators.

  /** Whether an activator goes on waiting for a pod; `isFirstLook` where it has not found none before. */
  readonly waitsForPod = new Hook<boolean, { isFirstLook: boolean; waitedMs: number }>()
  readonly activatorHeaders = new Hook<OutgoingHttpHeaders, IncomingMessage>()
  /** How long an activator goes on serving after it was told to end. */
  readonly activatorDrainMs = new Hook<number>()

  // The activators and queue-proxy.

  /** How many requests a container takes at once; 0 is no limit. */
  readonly concurrencyLimit = new Hook<number>()
  /** Whether a probe is answered instead of passed on. */
  readonly answersProbe = new Hook<boolean, IncomingMessage>()

  // queue-proxy.

  readonly requestTimeoutMs = new Hook<number>()
  /** What one request adds to the count of requests. */
  readonly requestCount = new Hook<number>()
  /** The template of the request log; empty for no log. */
  readonly requestLogTemplate = new Hook<string>()

  // net-istio.

  readonly routePolicy = new Hook<RoutePolicy, KubeObject>()
  /** How long net-istio waits before it writes the routes of an Ingress. */
  readonly ingressDelayMs = new Hook<number, { ingress: KubeObject; objects: Objects }>()
}
