import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { conditionOf, missingCondition } from '../../src/kube/until.ts'

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
    expect(answer.status, `status of http://${host}/ through the load balancer (${describeAnswer(answer)})`).toBe(200)
    expect(answer.body.trim(), 'its body').toBe('Hello Knative on EKS!')
    measure('time of one request', answer.ms, 'ms')
    return `http://${host}/: ${describeAnswer(answer)}, Hello Knative on EKS!`
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
    const namespace = await workloadNamespace(stack, 'private')
    const hidden = await stack.knative.service(namespace, 'private', {
      labels: { 'networking.knative.dev/visibility': 'cluster-local' },
    })
    expect(hidden.host, 'host of a cluster-local Service').toMatch(/^private\.[\w-]+\.svc\./)
    const domain = Object.keys(await stack.knative.settings('config-domain'))[0]
    for (const host of [`nobody.${namespace}.${domain}`, hidden.host, `private.${namespace}.${domain}`]) {
      const answer = await stack.ingress.send({ host })
      expect(answer.status, `status for Host ${host} through the load balancer (${describeAnswer(answer)})`).toBe(404)
    }
    return `404 for an unknown host and for ${hidden.host}`
  },
)
