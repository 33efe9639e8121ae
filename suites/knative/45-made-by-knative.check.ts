import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { wants } from '../../src/knative/autoscaler.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { POD_AUTOSCALER } from '../../src/kube/kinds.ts'
import { CONFIGURED } from '../../src/knative/knative.ts'
import { externalGateways } from '../../src/knative/gateways.ts'
import { refusalOf } from '../../src/kube/errors.ts'

interface HttpRoute {
  match?: { headers?: Record<string, unknown>; gateways?: string[] }[]
  route?: { destination: { host: string }; weight?: number }[]
  timeout?: string
  retries?: { attempts?: number }
}

/** The routes that carry traffic: net-istio repeats each with a match on its probe's header. */
const trafficRoutes = (routes: HttpRoute[]): HttpRoute[] =>
  routes.filter(
    (route) =>
      !route.match?.some(({ headers }) =>
        Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'k-network-hash'),
      ),
  )

check(
  'knative/virtual-service',
  {
    asserts:
      "net-istio made the VirtualServices, on the external and local gateways, with weights equal to the Route's",
    guide: '8,12',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/gateway-config', 'mesh/crds'],
    remedy:
      "look at the KIngress (kubectl get king) and net-istio-controller's log; a VirtualService edited by hand is written over",
  },
  async ({ stack, expect }) => {
    const namespace = await workloadNamespace(stack, 'weights')
    const first = await stack.knative.service(namespace, 'weights')
    const traffic = [
      { revisionName: first.revision, percent: 70 },
      { latestRevision: true, percent: 30 },
    ]
    const { object, host, revision } = await stack.knative.service(namespace, 'weights', {
      env: { VERSION: 'v2' },
      traffic,
    })
    const label = 'networking.internal.knative.dev/ingress=weights'
    const { items } = await stack.k8s.list('networking.istio.io/v1beta1/VirtualService', { namespace, labels: label })
    const made = items.find((each) => each.metadata?.name === 'weights-ingress')
    expect(
      made,
      `VirtualService weights-ingress (with the label ${label} there are ${items.map((each) => each.metadata?.name).join(', ') || 'none'})`,
    ).toBeDefined()
    const external = externalGateways(await stack.knative.settings('config-istio')).found.map(
      (each) => `${each.namespace}/${each.name}`,
    )
    expect(made?.spec?.gateways, 'its gateways').toEqual(
      expect.arrayContaining([...external, 'knative-serving/knative-local-gateway']),
    )
    expect(made?.spec?.hosts, 'its hosts').toContain(host)
    const wanted = (object.status?.traffic as { revisionName: string; percent: number }[]).map(
      ({ revisionName, percent }) => [revisionName, percent] as const,
    )
    expect(wanted.toSorted(), "the Route's own traffic").toEqual(
      [
        [first.revision, 70],
        [revision, 30],
      ].toSorted(),
    )
    const routes = trafficRoutes(made?.spec?.http ?? [])
    expect(routes.length, 'its routes that carry traffic').toBeGreaterThan(0)
    for (const { route } of routes) {
      const weights = (route ?? []).map(({ destination, weight }) => [destination.host.split('.')[0], weight] as const)
      expect(weights.toSorted(), 'weights by revision in the VirtualService').toEqual(wanted.toSorted())
    }
    return `weights-ingress on ${external.join(', ')} and the local gateway: ${wanted.map(([name, percent]) => `${name} ${percent} %`).join(', ')}`
  },
)

check(
  'knative/no-silent-annotations',
  {
    asserts:
      'networking.knative.dev/timeout and retryAttempts have no effect on the VirtualService, and on traffic they are refused: what works is timeoutSeconds',
    guide: '12',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/hello-ready', 'mesh/crds'],
    remedy:
      'for a time limit set spec.template.spec.timeoutSeconds; for retries there is only an EnvoyFilter on the gateway',
  },
  async ({ stack, expect }) => {
    const { namespace } = await stack.knative.configured()
    const { annotations } = CONFIGURED
    const onTraffic = stack.knative.manifest(namespace, 'silent', {
      traffic: [{ latestRevision: true, percent: 100, annotations }],
    })
    const refusal = await refusalOf(stack.k8s.dryCreate(onTraffic))
    expect(refusal, 'what the API server says of annotations on a traffic target').toMatch(
      /unknown field "spec\.traffic\[0\]\.annotations"/,
    )
    const made = await stack.k8s.get('networking.istio.io/v1beta1/VirtualService', 'configured-ingress', namespace)
    const routes = (made.spec?.http ?? []) as HttpRoute[]
    expect(routes.length, 'routes of the VirtualService').toBeGreaterThan(0)
    expect(
      routes.map(({ timeout, retries }) => [timeout, retries?.attempts ?? 0]),
      'timeout and retry attempts of its routes',
    ).toEqual(routes.map(() => [undefined, 0]))
    return `on traffic: refused (unknown field); on the Service: taken, and the VirtualService has no timeout and no retry. Use timeoutSeconds`
  },
)

check(
  'knative/revision-timeout',
  {
    asserts: 'timeoutSeconds ends a request that is longer, with 504',
    guide: '12',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: "see that queue-proxy runs in the revision's pod: it is what ends the request",
  },
  async ({ stack, expect, measure }) => {
    const namespace = await workloadNamespace(stack, 'timeout')
    const { host } = await stack.knative.service(namespace, 'timeout', { timeoutSeconds: 2 })
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const short = await stack.ingress.send({ host, path: '/?sleep=500' })
    expect(short.status, `status of a request of 0.5 s with timeoutSeconds 2 (${describeAnswer(short)})`).toBe(200)
    const long = await stack.ingress.send({ host, path: '/?sleep=6000' })
    expect(long.status, `status of a request of 6 s with timeoutSeconds 2 (${describeAnswer(long)})`).toBe(504)
    expect(long.ms, 'milliseconds until the 504').toBeLessThan(5000)
    measure('time until the 504', long.ms / 1000, 's')
    return `0.5 s: 200; 6 s: 504 after ${(long.ms / 1000).toFixed(1)} s`
  },
)

check(
  'knative/resources',
  {
    asserts: 'container and queue-proxy requests and limits stand in the pod as asked',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy: 'a LimitRange or a mutating webhook changes them, or config-deployment sets others for queue-proxy',
  },
  async ({ stack, expect }) => {
    const { namespace, revision } = await stack.knative.configured()
    const { resources: asked, queueProxy } = CONFIGURED
    const deployment = await stack.k8s.get('apps/v1/Deployment', `${revision}-deployment`, namespace)
    const { items: pods } = await stack.k8s.list('v1/Pod', {
      namespace,
      labels: `serving.knative.dev/revision=${revision}`,
    })
    expect(pods.length, `pods of ${revision}`).toBeGreaterThan(0)
    for (const spec of [deployment.spec?.template?.spec, ...pods.map((pod) => pod.spec)]) {
      const containers = (spec?.containers ?? []) as { name: string; resources: object }[]
      expect(
        containers.find(({ name }) => name === 'user-container')?.resources,
        'resources of user-container',
      ).toMatchObject(asked)
      expect(
        containers.find(({ name }) => name === 'queue-proxy')?.resources,
        'resources of queue-proxy',
      ).toMatchObject(queueProxy)
    }
    return `user-container ${JSON.stringify(asked)}, queue-proxy ${JSON.stringify(queueProxy)}`
  },
)

// The older spelling, which Knative still takes.
const CAMEL_CASE = {
  target: '50',
  metric: 'concurrency',
  targetUtilizationPercentage: '80',
  initialScale: '1',
  minScale: '1',
  panicWindowPercentage: '20',
  panicThresholdPercentage: '300',
}

check(
  'knative/annotations-applied',
  {
    asserts:
      'target, metric, target-utilization-percentage, initial-scale, min-scale and panic thresholds set on a revision reach its PodAutoscaler (camelCase and kebab-case)',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy: 'annotations belong under spec.template.metadata.annotations, with the prefix autoscaling.knative.dev/',
  },
  async ({ stack, expect }) => {
    const { namespace, revision } = await stack.knative.configured()
    await stack.apply(stack.knative.manifest(namespace, 'camel', { scaling: CAMEL_CASE }))
    const applied = { [revision]: CONFIGURED.scaling, 'camel-00001': CAMEL_CASE }
    for (const [name, scaling] of Object.entries(applied)) {
      // That they are heeded, not only copied: min-scale is the scale wanted with no traffic.
      const [found] = await stack.until({ kind: POD_AUTOSCALER, namespace, name }, wants(1), 'serviceReady')
      const asked = Object.entries(scaling)
        .filter(([key]) => !key.includes('/'))
        .map(([key, value]) => [`autoscaling.knative.dev/${key}`, value])
      expect(found?.metadata?.annotations, `annotations of PodAutoscaler ${name}`).toMatchObject(
        Object.fromEntries(asked),
      )
    }
    return `${Object.keys(CAMEL_CASE).join(', ')} stand in the PodAutoscaler in both spellings`
  },
)
