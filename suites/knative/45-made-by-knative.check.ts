import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { desiredScaleIs } from '../../src/knative/autoscaler.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { POD_AUTOSCALER } from '../../src/kube/kinds.ts'
import { CONFIGURED } from '../../src/knative/knative.ts'
import { gatewaysOfRoutes } from '../../src/knative/gateways.ts'
import { servedApi } from '../../src/cluster/served.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { valueOr } from '../../src/survey/fact.ts'
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
    asserts: "net-istio creates the VirtualService on the external and local gateways, with the Route's weights",
    guide: '8,12',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/gateway-config', 'mesh/crds'],
    remedy: [
      'Check the KIngress (kubectl get king) and the log of net-istio-controller',
      'Do not edit the VirtualService by hand: net-istio overwrites it',
    ],
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
    const api = await servedApi(stack, 'networking.istio.io/VirtualService')
    const { items } = await stack.k8s.list(`${api}/VirtualService`, { namespace, labels: label })
    const name = `VirtualService ${namespace}/weights-ingress`
    const virtualService = items.find(({ metadata }) => metadata?.name === 'weights-ingress')
    const names = items.map(({ metadata }) => metadata?.name).join(', ') || 'none'
    expect(virtualService !== undefined).toHold(`${name} does not exist; with label ${label} there are: ${names}`)
    const { external, local } = await gatewaysOfRoutes(stack, namespace, label)
    expect(external.length, 'Gateways for external traffic').toBeGreaterThan(0)
    expect(local.length, 'ConfigMap config-istio, number of local gateways').toBeGreaterThan(0)
    expect(virtualService?.spec?.gateways, `${name}, spec.gateways`).toEqual(
      expect.arrayContaining([...external, ...local]),
    )
    expect(virtualService?.spec?.hosts, `${name}, spec.hosts`).toContain(host)
    const expected = (object.status?.traffic as { revisionName: string; percent: number }[]).map(
      ({ revisionName, percent }) => [revisionName, percent] as const,
    )
    expect(expected.toSorted(), `Service ${namespace}/weights, status.traffic`).toEqual(
      [
        [first.revision, 70],
        [revision, 30],
      ].toSorted(),
    )
    const routes = trafficRoutes(virtualService?.spec?.http ?? [])
    expect(routes.length, `${name}, number of HTTP routes`).toBeGreaterThan(0)
    for (const { route } of routes) {
      const weights = (route ?? []).map(({ destination, weight }) => [destination.host.split('.')[0], weight] as const)
      expect(weights.toSorted(), `${name}, weights by revision`).toEqual(expected.toSorted())
    }
    const shares = expected.map(([revisionName, percent]) => `${revisionName} ${percent} %`).join(', ')
    return `${name} is on ${[...external, ...local].join(', ')}: ${shares}`
  },
)

check(
  'knative/no-silent-annotations',
  {
    asserts:
      'the annotations networking.knative.dev/timeout and retryAttempts have no effect on the VirtualService, ' +
      'and the API server refuses them on traffic targets',
    guide: '12',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/hello-ready', 'mesh/crds'],
    remedy: [
      'For a timeout, set spec.template.spec.timeoutSeconds',
      'For retries, use an EnvoyFilter on the gateway: Knative has no setting for them',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace } = await stack.knative.configured()
    const { annotations } = CONFIGURED
    const onTraffic = stack.knative.manifest(namespace, 'silent', {
      traffic: [{ latestRevision: true, percent: 100, annotations }],
    })
    const refusal = await refusalOf(stack.dryCreate(onTraffic))
    expect(refusal, 'API server response to annotations on a traffic target').toMatch(
      /unknown field "spec\.traffic\[0\]\.annotations"/,
    )
    const api = await servedApi(stack, 'networking.istio.io/VirtualService')
    const { spec } = await stack.k8s.get(`${api}/VirtualService`, 'configured-ingress', namespace)
    const name = `VirtualService ${namespace}/configured-ingress`
    const routes = (spec?.http ?? []) as HttpRoute[]
    expect(routes.length, `${name}, number of HTTP routes`).toBeGreaterThan(0)
    expect(
      routes.map(({ timeout, retries }) => [timeout, retries?.attempts ?? 0]),
      `${name}, timeout and retries.attempts of each route`,
    ).toEqual(routes.map(() => [undefined, 0]))
    return (
      'on a traffic target they are refused (unknown field); on the Service they are accepted, ' +
      'and the VirtualService has no timeout and no retries'
    )
  },
)

check(
  'knative/revision-timeout',
  {
    asserts: 'a request longer than timeoutSeconds gets 504',
    guide: '12',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: ["Check that queue-proxy runs in the revision's pod: it enforces the timeout"],
  },
  async ({ stack, expect, measure }) => {
    const namespace = await workloadNamespace(stack, 'timeout')
    const { host } = await stack.knative.service(namespace, 'timeout', { timeoutSeconds: 2 })
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const short = await stack.ingress.send({ host, path: '/?sleep=500' })
    expect(short.status, `Request of 0.5 s with timeoutSeconds 2 (${describeAnswer(short)}), status`).toBe(200)
    const long = await stack.ingress.send({ host, path: '/?sleep=6000' })
    expect(long.status, `Request of 6 s with timeoutSeconds 2 (${describeAnswer(long)}), status`).toBe(504)
    expect(long.ms, 'Request of 6 s with timeoutSeconds 2, milliseconds until the 504').toBeLessThan(5000)
    measure('time until the 504', long.ms / 1000, 's')
    return `with timeoutSeconds 2 a request of 0.5 s got 200, one of 6 s got 504 after ${(long.ms / 1000).toFixed(1)} s`
  },
)

/** The kinds whose containers' resources admission changes, as the survey's dry runs showed. */
async function resourcesChangedByAdmission(stack: Stack): Promise<string[]> {
  const { changed } = valueOr((await stack.survey()).admission, { changed: [] })
  return ['Pod', 'Deployment'].filter((kind) =>
    changed.some(({ what, field }) => what === kind && field.endsWith('.resources')),
  )
}

check(
  'knative/resources',
  {
    asserts: 'the pod has the configured resource requests and limits for user-container and queue-proxy',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy: [
      'Look for a LimitRange in the namespace or a mutating webhook that changes resources',
      'Check the queue-sidecar-* keys in config-deployment',
    ],
  },
  async ({ stack, expect, remark }) => {
    const { namespace, revision } = await stack.knative.configured()
    const { resources, queueProxy } = CONFIGURED
    const deployment = await stack.k8s.get('apps/v1/Deployment', `${revision}-deployment`, namespace)
    const { items: pods } = await stack.k8s.list('v1/Pod', {
      namespace,
      labels: `serving.knative.dev/revision=${revision}`,
    })
    expect(pods.length, `Revision ${namespace}/${revision}, number of pods`).toBeGreaterThan(0)
    const changed = await resourcesChangedByAdmission(stack)
    const made = [
      ...(changed.includes('Deployment') ? [] : [deployment.spec?.template?.spec]),
      ...(changed.includes('Pod') ? [] : pods.map((pod) => pod.spec)),
    ]
    if (made.length === 0)
      throw new DoesNotApply(`Admission changes the resources of every ${changed.join(' and ')}: no pod has its own.`)
    for (const what of changed) remark(`Admission changes the resources of every ${what}: those are not compared.`)
    for (const spec of made) {
      const containers = (spec?.containers ?? []) as { name: string; resources: object }[]
      expect(
        containers.find(({ name }) => name === 'user-container')?.resources,
        `Revision ${namespace}/${revision}, resources of user-container`,
      ).toMatchObject(resources)
      expect(
        containers.find(({ name }) => name === 'queue-proxy')?.resources,
        `Revision ${namespace}/${revision}, resources of queue-proxy`,
      ).toMatchObject(queueProxy)
    }
    return `user-container has ${JSON.stringify(resources)}, queue-proxy ${JSON.stringify(queueProxy)}`
  },
)

// The older spelling, which Knative still accepts.
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
    asserts: "a revision's autoscaling annotations reach its PodAutoscaler, in camelCase and in kebab-case",
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy: ['Set the annotations under spec.template.metadata.annotations with the prefix autoscaling.knative.dev/'],
  },
  async ({ stack, expect }) => {
    const { namespace, revision } = await stack.knative.configured()
    await stack.apply(stack.knative.manifest(namespace, 'camel', { scaling: CAMEL_CASE }))
    const applied = { [revision]: CONFIGURED.scaling, 'camel-00001': CAMEL_CASE }
    for (const [name, scaling] of Object.entries(applied)) {
      // They take effect and are not only copied: without traffic the desired scale is min-scale.
      const [podAutoscaler] = await stack.until(
        { kind: POD_AUTOSCALER, namespace, name },
        desiredScaleIs(1),
        'serviceReady',
      )
      const annotations = Object.entries(scaling)
        .filter(([key]) => !key.includes('/'))
        .map(([key, value]) => [`autoscaling.knative.dev/${key}`, value])
      expect(
        podAutoscaler?.metadata?.annotations,
        `PodAutoscaler ${namespace}/${name}, metadata.annotations`,
      ).toMatchObject(Object.fromEntries(annotations))
    }
    return `the PodAutoscaler has ${Object.keys(CAMEL_CASE).join(', ')} in both spellings`
  },
)
