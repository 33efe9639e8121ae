import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { describeAnswer, type Answer } from '../../src/traffic/http.ts'
import { requestPath } from '../../src/knative/request-path.ts'
import { forSeconds } from '../../src/kube/timeline.ts'

check(
  'knative/activator-in-path',
  {
    asserts:
      'at zero the ServerlessService is in Proxy mode, and the request is seen by gateway, activator, queue-proxy and container in that order',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/scale-to-zero'],
    remedy:
      "look at the endpoints of the public Service of the revision: at zero they are the activators'; and at the activator's log",
  },
  async ({ stack, expect, measure }) => {
    const { service } = await stack.knative.idle()
    await new Autoscaler(stack, service).untilMode('Proxy')
    const answer = await stack.ingress.send({ host: service.host, path: '/info', within: 'coldRequest' })
    expect(answer.status, `status of the first request on zero pods (${describeAnswer(answer)})`).toBe(200)
    const path = await requestPath(stack, answer)
    expect(
      path.hops,
      `who passed the request on (x-forwarded-for ${path.forwardedFor}, connection from ${path.from})`,
    ).toEqual(['gateway', 'activator', 'queue-proxy', 'container'])
    measure('time of the cold request', answer.ms / 1000, 's')
    return `${path.hops.join(' -> ')}; 200 after ${(answer.ms / 1000).toFixed(1)} s`
  },
)

check(
  'knative/activator-bypassed',
  {
    asserts: 'with capacity to spare it turns to Serve mode, and requests go gateway, queue-proxy, container',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy:
      'spare capacity is ready pods x concurrency - target-burst-capacity - requests now; with the default of 211 it takes three pods',
  },
  async ({ stack, expect }) => {
    const service = await stack.knative.spare()
    await new Autoscaler(stack, service).untilMode('Serve')
    const direct = async (answer: Answer) => (await requestPath(stack, answer)).hops.join(' ')
    let hops = ''
    await stack.eventually(
      'requests bypassing the activator',
      async () => {
        const answer = await stack.ingress.send({ host: service.host, path: '/info' })
        hops = answer.status === 200 ? await direct(answer) : describeAnswer(answer)
        return hops === 'gateway queue-proxy container' ? undefined : `the request went ${hops}`
      },
      'configPush',
      5,
    )
    expect(hops, 'who passed the request on').toBe('gateway queue-proxy container')
    return `Serve mode; ${hops.replaceAll(' ', ' -> ')}`
  },
)

check(
  'knative/burst-capacity',
  {
    asserts:
      'target-burst-capacity -1 keeps Proxy, 0 takes Serve as soon as there is a pod, 211 changes over when spare capacity passes it',
    guide: '4',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-ready'],
    remedy: "the autoscaler's log has the excess burst capacity (SKS should be in ... mode: want = ..., ebc = ...)",
  },
  async ({ stack, expect, signal }) => {
    const namespace = await workloadNamespace(stack, 'burst')
    const make = async (name: string, burst: string, minScale: string, containerConcurrency = 0) => {
      const scaling = { 'min-scale': minScale, 'target-burst-capacity': burst }
      const service = await stack.knative.service(namespace, name, { scaling, containerConcurrency })
      const autoscaler = new Autoscaler(stack, service)
      await autoscaler.untilPods(Number(minScale))
      return autoscaler
    }
    const [always, never, below, above] = await Promise.all([
      make('always', '-1', '1'),
      make('never', '0', '1'),
      make('below', '211', '1', 120),
      make('above', '211', '2', 120),
    ])
    await Promise.all([never.untilMode('Serve'), above.untilMode('Serve')])
    // Four decisions of the autoscaler with Ready pods: time enough to change over.
    const modes = await Promise.all([always, below, above].map((each) => each.modesWhile(forSeconds(8, signal))))
    expect(modes[0], 'modes in 8 s with target-burst-capacity -1').toEqual(['Proxy'])
    expect(modes[1], 'modes in 8 s with 211 and one pod of 120: 120 - 211 is below 0').toEqual(['Proxy'])
    expect(modes[2], 'modes in 8 s with 211 and two pods of 120: 240 - 211 is above 0').toEqual(['Serve'])
    return '-1: Proxy; 0: Serve; 211: Proxy with 120 of capacity, Serve with 240'
  },
)

check(
  'knative/probe-header',
  {
    asserts:
      'K-Network-Probe: activator is answered by the activator, queue by queue-proxy; neither reaches the container',
    guide: '8',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/activator-bypassed'],
    remedy:
      'see that nothing strips or adds the header K-Network-Probe, and that the pods answer on 8012 from another pod',
  },
  async ({ stack, expect }) => {
    const service = await stack.knative.spare()
    const { host } = service
    const count = async () =>
      (JSON.parse((await stack.ingress.send({ host, path: '/info' })).body) as { total: number }).total
    const before = await count()
    const activators = (await stack.all('v1/Pod')).filter(
      (pod) => pod.metadata?.namespace === KNATIVE && pod.metadata.labels?.app === 'activator',
    )
    expect(activators.length, 'activator pods').toBeGreaterThan(0)
    const probe = (address: string, header: string, agent: string) =>
      stack.agent.send({ address, port: 8012, host, headers: { 'k-network-probe': header, 'user-agent': agent } })
    const byActivator = await probe(String(activators[0]?.status?.podIP), 'activator', 'plumbline')
    expect(
      [byActivator.status, byActivator.body.trim()],
      `what the activator answers (${describeAnswer(byActivator)})`,
    ).toEqual([200, 'activator'])
    const [pod] = await new Autoscaler(stack, service).untilPods(1)
    const byQueue = await probe(String(pod?.status?.podIP), 'queue', 'Knative-Activator-Probe')
    expect([byQueue.status, byQueue.body.trim()], `what queue-proxy answers (${describeAnswer(byQueue)})`).toEqual([
      200,
      'queue',
    ])
    // The second count is itself a request.
    expect(await count(), 'requests that the container counted after both probes').toBe(before + 1)
    return 'activator answers "activator", queue-proxy answers "queue", the container saw neither'
  },
)
