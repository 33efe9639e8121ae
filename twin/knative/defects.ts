import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { ComponentDefects } from '../hook.ts'
import type { KnativeHooks } from './hooks.ts'
import { POD_AUTOSCALERS } from './kinds.ts'

const CONTROLLER_DEFECTS = {
  // The containers of a revision do not get the resources that the Service asks for.
  'resources-ignored': ({ userContainer }, defect) =>
    userContainer.alter(defect, (container) => ({ ...container, resources: {} })),

  // A PodAutoscaler does not get the panic mode annotations of its Revision.
  'panic-annotations-dropped': ({ podAutoscalerAnnotations }, defect) =>
    podAutoscalerAnnotations.alter(defect, (annotations) =>
      Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.includes('/panic'))),
    ),

  // A new revision starts with one pod, whatever its initial scale.
  'initial-scale-ignored': ({ initialScale }, defect) => initialScale.alter(defect, () => 1),

  // In Serve mode the endpoints of a revision are still the activators.
  'endpoints-stay-activators': ({ endpointsMode }, defect) => endpointsMode.alter(defect, () => 'Proxy'),

  // All traffic goes to a new revision at once, whatever the rollout duration.
  'rollout-at-once': ({ rolloutSeconds }, defect) => rolloutSeconds.alter(defect, () => 0),
} satisfies ComponentDefects<KnativeHooks>

const AUTOSCALER_DEFECTS = {
  'max-scale-ignored': ({ settings }, defect) => settings.alter(defect, (given) => ({ ...given, maxScale: 0 })),

  // The autoscaler ignores max-scale-down-rate.
  'scale-down-at-once': ({ settings }, defect) =>
    settings.alter(defect, (given) => ({ ...given, maxScaleDownRate: 1e9 })),

  'requests-counted-twice': ({ measurement }, defect) =>
    measurement.alter(defect, (measured) => ({ ...measured, requestsPerSecond: measured.requestsPerSecond * 2 })),

  // The autoscaler counts half of the requests in flight.
  'concurrency-halved': ({ measurement }, defect) =>
    measurement.alter(defect, (measured) => ({ ...measured, concurrency: measured.concurrency / 2 })),

  'panic-never': ({ decision }, defect) => decision.alter(defect, (decided) => ({ ...decided, overThreshold: false })),

  // The ServerlessService is in Serve mode as soon as one pod is ready.
  'burst-capacity-ignored': ({ excessBurstCapacity }, defect) =>
    excessBurstCapacity.alter(defect, (_, { readyPods }) => readyPods - 1),

  // Every revision is scaled to one pod when the autoscaler ends.
  'no-pods-without-autoscaler': ({ scalesAtExit }, defect) =>
    scalesAtExit.alter(defect, (_, objects) => new Map(deploymentsOfRevisions(objects).map((each) => [each, 1]))),
} satisfies ComponentDefects<KnativeHooks>

const deploymentsOfRevisions = (objects: Objects): KubeObject[] =>
  objects
    .list(POD_AUTOSCALERS)
    .flatMap(({ metadata }) => objects.get('deployments.apps', `${metadata.name}-deployment`, metadata.namespace) ?? [])

const ACTIVATOR_DEFECTS = {
  // The activator passes requests on without adding its address to X-Forwarded-For.
  'activator-unseen': ({ activatorHeaders }, defect) =>
    activatorHeaders.alter(defect, (headers, request) => {
      const { 'x-forwarded-for': _, ...others } = headers
      const before = request.headers['x-forwarded-for']
      return before === undefined ? others : { ...others, 'x-forwarded-for': before }
    }),

  // The activator loses every fourth request that finds no pod.
  'cold-requests-lost'({ waitsForPod }, defect) {
    let coldRequests = 0
    waitsForPod.alter(defect, (waits, { isFirstLook }) => waits && !(isFirstLook && ++coldRequests % 4 === 0))
  },

  // The activator gives up on a request that has found no pod for 10 s.
  'activator-impatient': ({ waitsForPod }, defect) =>
    waitsForPod.alter(defect, (waits, { waitedMs }) => waits && waitedMs <= 10_000),

  // An activator that is told to end serves no more requests from that moment on.
  'activators-end-at-once': ({ activatorDrainMs }, defect) => activatorDrainMs.alter(defect, () => 0),

  // The activator and queue-proxy pass any number of requests on at once.
  'concurrency-unlimited': ({ concurrencyLimit }, defect) => concurrencyLimit.alter(defect, () => 0),

  // The activator and queue-proxy pass probes on, but not net-istio's: without an answer to those no Route becomes
  // Ready.
  'probes-passed-on': ({ answersProbe }, defect) =>
    answersProbe.alter(defect, (_, request) => request.headers['k-network-probe'] === 'probe'),
} satisfies ComponentDefects<KnativeHooks>

// The longest time that a timer takes.
const FOREVER_MS = 2 ** 31 - 1

const QUEUE_PROXY_DEFECTS = {
  'timeouts-ignored': ({ requestTimeoutMs }, defect) => requestTimeoutMs.alter(defect, () => FOREVER_MS),

  'request-logs-missing': ({ requestLogTemplate }, defect) => requestLogTemplate.alter(defect, () => ''),

  // queue-proxy counts every second request only.
  'requests-uncounted': ({ requestCount }, defect) => requestCount.alter(defect, (count) => count / 2),
} satisfies ComponentDefects<KnativeHooks>

const NET_ISTIO_DEFECTS = {
  // net-istio sets a timeout and retries from annotations of the Ingress.
  'net-istio-heeds-annotations': ({ routePolicy }, defect) =>
    routePolicy.alter(defect, (_, { metadata: { annotations = {} } }) => ({
      timeout: annotations['networking.knative.dev/timeout'],
      retries: { attempts: Number(annotations['networking.knative.dev/retryAttempts'] ?? 0) },
    })),

  // net-istio removes a route for 400 ms when traffic goes back to an older revision.
  'rollback-drops'({ ingressDelayMs }, defect) {
    const firstRevisions = new Map<string, string>()
    const droppedUntil = new Map<string, number>()
    ingressDelayMs.alter(defect, (delay, { ingress, objects }) => {
      const { name, namespace, uid = '' } = ingress.metadata
      if (Date.now() < (droppedUntil.get(uid) ?? 0)) return 450
      const first = String(ingress.spec.rules[0]?.http.paths[0]?.splits[0]?.serviceName)
      const before = firstRevisions.get(uid) ?? ''
      firstRevisions.set(uid, first)
      if (!before || first >= before) return delay
      droppedUntil.set(uid, Date.now() + 400)
      objects.delete('virtualservices.networking.istio.io', `${name}-ingress`, namespace)
      return 450
    })
  },
} satisfies ComponentDefects<KnativeHooks>

export const KNATIVE_DEFECTS = {
  ...CONTROLLER_DEFECTS,
  ...AUTOSCALER_DEFECTS,
  ...ACTIVATOR_DEFECTS,
  ...QUEUE_PROXY_DEFECTS,
  ...NET_ISTIO_DEFECTS,
}
