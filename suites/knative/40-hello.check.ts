import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { defaultDomain, hasOwnGateways } from '../../src/knative/gateways.ts'
import { hostByTemplate } from '../../src/knative/service-host.ts'
import { theKnative } from '../../src/survey/surveyed.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { conditionOf, missingCondition } from '../../src/kube/until.ts'

check(
  'knative/hello-ready',
  {
    asserts: 'the Service hello and its Configuration, Revision and Route become Ready within the deadline',
    guide: '3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/pods-running', 'knative/webhooks', 'knative/ingress-class'],
    remedy: [
      'Run kubectl describe ksvc hello and look at the condition that is not True',
      'If ConfigurationsReady is not True, check the image and the events of the pod',
      'If RoutesReady is not True, check the KIngress (kubectl get king) and the log of net-istio-controller',
    ],
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
        [missingCondition(part, 'Ready')].filter((missing) => missing !== undefined),
        'Not Ready',
      ).toBeNone()
    const created = new Date(hello.object.metadata?.creationTimestamp ?? 0).getTime()
    const ready = new Date(
      (conditionOf(hello.object, 'Ready') as { lastTransitionTime?: string } | undefined)?.lastTransitionTime ?? 0,
    ).getTime()
    measure('time from creation to Ready', (ready - created) / 1000, 's')
    return `Service, Configuration, Revision ${revision} and Route were Ready after ${(ready - created) / 1000} s`
  },
)

check(
  'knative/hello-url',
  {
    asserts:
      "the URL of the Service hello is in config-domain's default domain, with the host that domain-template makes, " +
      'and of the scheme that stack.yaml expects',
    guide: '3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/domain'],
    remedy: [
      'Set the domain as a key in config-domain: without one the host ends in the domain of the cluster',
      'Check domain-template in config-network: it must end in {{.Domain}}',
      'Check default-external-scheme and external-domain-tls in config-network',
    ],
  },
  async ({ stack, expect }) => {
    const knative = await theKnative(stack)
    const { namespace, host, url, object } = await stack.knative.hello()
    const domain = defaultDomain(knative) ?? ''
    const service = `Service ${namespace}/hello`
    expect(host.endsWith(`.${domain}`)).toHold(
      `${service}: status.url is ${url}, expected a host in the default domain, ${domain}`,
    )
    const made = hostByTemplate(knative.domainTemplate, { ...object.metadata, name: 'hello', namespace, domain })
    if (made !== undefined)
      expect(host, `${service}, host in status.url, by domain-template ${knative.domainTemplate}`).toBe(made)
    const { scheme } = stack.config.expect
    expect(!scheme || url.startsWith(`${scheme}://`)).toHold(
      `${service}: status.url is ${url}, expected scheme ${scheme} (expect.scheme of stack.yaml)`,
    )
    return `${service} has the URL ${url}`
  },
)

check(
  'knative/hello-through-lb',
  {
    asserts: 'the Service hello answers 200 with Hello Knative on EKS! through the load balancer',
    guide: '1,3',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready', 'knative/domain', 'knative/gateway-config', 'mesh/gateway-address'],
    remedy: [
      'With no answer, check the load balancer, its listeners and its security groups',
      'With 404, check the VirtualService and its gateways: the gateway has no route for the host',
      "With 503, check the endpoints of the revision's Services",
    ],
  },
  async ({ stack, expect, measure }) => {
    const { host, at } = await stack.knative.hello()
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const answer = await stack.ingress.send({ host })
    const get = `GET ${at.scheme}://${host}/ through the load balancer`
    expect(answer.status, `${get} (${describeAnswer(answer)}), status`).toBe(200)
    expect(answer.body.trim(), `${get}, body`).toBe('Hello Knative on EKS!')
    measure('time of one request', answer.ms, 'ms')
    return `${at.scheme}://${host}/ answered ${describeAnswer(answer)}: Hello Knative on EKS!`
  },
)

check(
  'knative/unknown-host-404',
  {
    asserts: 'an unknown host and a cluster-local Service get 404 through the load balancer',
    guide: '3,5',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Look for a VirtualService on host "*": it answers for every host',
      'Set the label networking.knative.dev/visibility: cluster-local on a Service that must not be public',
    ],
  },
  async ({ stack, expect }) => {
    const namespace = await workloadNamespace(stack, 'private')
    const hidden = await stack.knative.service(namespace, 'private', {
      labels: { 'networking.knative.dev/visibility': 'cluster-local' },
    })
    expect(hidden.host, `Service ${namespace}/private (cluster-local), host in status.url`).toMatch(
      /^private\.[\w-]+\.svc\./,
    )
    const knative = await theKnative(stack)
    const { scheme } = (await stack.knative.hello()).at
    const domain = defaultDomain(knative) ?? ''
    const publicHost = (name: string) =>
      hostByTemplate(knative.domainTemplate, { name, namespace, domain }) ?? `${name}.${namespace}.${domain}`
    for (const host of [publicHost('nobody'), hidden.host, publicHost('private')]) {
      const answer = await stack.ingress.send({ host, scheme })
      // Where each host has a certificate of its own there is none for this one: the handshake is refused.
      if (scheme === 'https' && answer.status === 0 && hasOwnGateways(knative)) continue
      expect(
        answer.status,
        `GET ${scheme}://${host}/ through the load balancer (${describeAnswer(answer)}), status`,
      ).toBe(404)
    }
    return `an unknown host and ${hidden.host} get 404`
  },
)
