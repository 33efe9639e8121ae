import { check } from '../../src/check/check.ts'
import { CONFIGURED } from '../../src/stack/knative.ts'
import { tell } from '../../src/stack/http.ts'
import { refusalOf } from '../../src/stack/kube-errors.ts'
import { externalGateways } from '../../src/stack/knative-gateways.ts'
import { conditionOf, missingCondition } from '../../src/stack/until.ts'

check(
  'knative/hello-ready',
  {
    asserts:
      'ksvc hello with TARGET: Service, Configuration, Revision and Route are all Ready True within the deadline',
    guide: '3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/pods-running', 'knative/webhooks', 'knative/ingress-class'],
    remedy:
      'the condition that is not True names the layer: ConfigurationsReady the image and the pod, RoutesReady the ingress (look at the KIngress and net-istio-controller)',
  },
  async ({ stack, expect, measure }) => {
    const hello = await stack.knative.hello()
    const { namespace, revision } = hello
    const parts = [
      hello.object,
      await stack.k8s.get('serving.knative.dev/v1/Configuration', 'hello', namespace),
      await stack.k8s.get('serving.knative.dev/v1/Revision', revision, namespace),
      await stack.k8s.get('serving.knative.dev/v1/Route', 'hello', namespace),
    ]
    for (const part of parts)
      expect(
        missingCondition(part, 'Ready'),
        `what ${part.kind} ${part.metadata?.name} lacks to be Ready`,
      ).toBeUndefined()
    const created = new Date(hello.object.metadata?.creationTimestamp ?? 0).getTime()
    const ready = new Date(
      (conditionOf(hello.object, 'Ready') as { lastTransitionTime?: string } | undefined)?.lastTransitionTime ?? 0,
    ).getTime()
    measure('time from creation to Ready', (ready - created) / 1000, 's')
    return `Service, Configuration, ${revision} and Route Ready after ${(ready - created) / 1000} s`
  },
)

check(
  'knative/hello-url',
  {
    asserts: "the Route's URL is NAME.NAMESPACE.DOMAIN of config-domain",
    guide: '3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/domain'],
    remedy:
      'config-domain gives the domain and config-network the template (domain-template); without a real key in config-domain the host ends in svc.cluster.local',
  },
  async ({ stack, expect }) => {
    const hello = await stack.knative.hello()
    const domain = Object.entries(await stack.knative.settings('config-domain'))
      .filter(([, selector]) => !/selector:/.test(selector))
      .map(([name]) => name)
      .toSorted()[0]
    expect(hello.host, `the host in the Route's URL, with the domain ${domain} of config-domain`).toBe(
      `hello.${hello.namespace}.${domain}`,
    )
    return String(hello.object.status?.url)
  },
)

check(
  'knative/hello-through-lb',
  {
    asserts: 'with that Host through the load balancer: 200 and Hello Knative on EKS!',
    guide: '1,3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/domain', 'knative/gateway-config', 'mesh/gateway-address'],
    remedy:
      "no answer: the load balancer; 404: the gateway has no route for the Host (look at the VirtualService and its gateways); 503: the revision's endpoints",
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const answer = await stack.ingress.send({ host })
    expect(answer.status, `status of http://${host}/ through the load balancer (${tell(answer)})`).toBe(200)
    expect(answer.body.trim(), 'its body').toBe('Hello Knative on EKS!')
    measure('time of one request', answer.ms, 'ms')
    return `http://${host}/: ${tell(answer)}, Hello Knative on EKS!`
  },
)

check(
  'knative/unknown-host-404',
  {
    asserts: 'another Host gets 404, and a cluster-local Service is not served outside',
    guide: '3,5',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy:
      'a VirtualService or Gateway on "*" answers for every host; a cluster-local Service must have the label networking.knative.dev/visibility: cluster-local',
  },
  async ({ stack, expect }) => {
    const namespace = await stack.knative.namespace('private')
    const hidden = await stack.knative.service(namespace, 'private', {
      labels: { 'networking.knative.dev/visibility': 'cluster-local' },
    })
    expect(hidden.host, 'host of a cluster-local Service').toMatch(/^private\.[\w-]+\.svc\./)
    const domain = Object.keys(await stack.knative.settings('config-domain'))[0]
    for (const host of [`nobody.${namespace}.${domain}`, hidden.host, `private.${namespace}.${domain}`]) {
      const answer = await stack.ingress.send({ host })
      expect(answer.status, `status for Host ${host} through the load balancer (${tell(answer)})`).toBe(404)
    }
    return `404 for an unknown host and for ${hidden.host}`
  },
)

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
    const namespace = await stack.knative.namespace('weights')
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
    const namespace = await stack.knative.namespace('timeout')
    const { host } = await stack.knative.service(namespace, 'timeout', { timeoutSeconds: 2 })
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const short = await stack.ingress.send({ host, path: '/?sleep=500' })
    expect(short.status, `status of a request of 0.5 s with timeoutSeconds 2 (${tell(short)})`).toBe(200)
    const long = await stack.ingress.send({ host, path: '/?sleep=6000' })
    expect(long.status, `status of a request of 6 s with timeoutSeconds 2 (${tell(long)})`).toBe(504)
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
