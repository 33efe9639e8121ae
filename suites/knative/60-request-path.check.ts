import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { describeAnswer, type Answer } from '../../src/traffic/http.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { podsOfComponent } from '../../src/knative/component-pods.ts'
import { hasSidecar } from '../../src/mesh/mesh-pods.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { modeFor } from '../../src/survey/mutual-tls.ts'
import { requestPath } from '../../src/knative/request-path.ts'
import { forSeconds } from '../../src/cluster/timeline.ts'

check(
  'knative/activator-in-path',
  {
    asserts:
      'at zero pods the ServerlessService is in mode Proxy, ' +
      'and a request passes gateway, activator, queue-proxy and container in that order',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/scale-to-zero'],
    remedy: [
      "Check the endpoints of the revision's public Service: at zero pods they are the activators' addresses",
      "Check the activator's log",
    ],
  },
  async ({ stack, expect, measure }) => {
    const { service } = await stack.knative.idle()
    await new Autoscaler(stack, service).untilMode('Proxy')
    const answer = await stack.ingress.send({ host: service.host, path: '/info', within: 'coldRequest' })
    expect(
      answer.status,
      `Service ${service.name}, first request at zero pods (${describeAnswer(answer)}), status`,
    ).toBe(200)
    const path = await requestPath(stack, answer)
    expect(
      path.hops,
      `Request at zero pods, hops (X-Forwarded-For ${path.forwardedFor}, connection from ${path.from})`,
    ).toEqual(['gateway', 'activator', 'queue-proxy', 'container'])
    measure('time of the cold request', answer.ms / 1000, 's')
    return `the first request passed ${path.hops.join(' -> ')} and got 200 after ${(answer.ms / 1000).toFixed(1)} s`
  },
)

check(
  'knative/activator-bypassed',
  {
    asserts:
      'with spare capacity the ServerlessService is in mode Serve, and requests pass gateway, queue-proxy, container',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Lower target-burst-capacity or add pods: spare capacity is pods x concurrency - target-burst-capacity - load',
      'With the default of 211 and a concurrency of 100, set min-scale to at least 3',
    ],
  },
  async ({ stack, expect }) => {
    const service = await stack.knative.spare()
    await new Autoscaler(stack, service).untilMode('Serve')
    const hopsOf = async (answer: Answer) => (await requestPath(stack, answer)).hops.join(' ')
    let hops = ''
    await stack.eventually(
      'requests past the activator',
      async () => {
        const answer = await stack.ingress.send({ host: service.host, path: '/info' })
        hops = answer.status === 200 ? await hopsOf(answer) : describeAnswer(answer)
        return hops === 'gateway queue-proxy container'
          ? undefined
          : `the request passed ${hops.replaceAll(' ', ' -> ')}`
      },
      'configPush',
      { inARow: await stack.ingress.requestsToMeetAll() },
    )
    expect(hops, `Request to Service ${service.name} in mode Serve, hops`).toBe('gateway queue-proxy container')
    return `in mode Serve requests pass ${hops.replaceAll(' ', ' -> ')}`
  },
)

check(
  'knative/burst-capacity',
  {
    asserts:
      'target-burst-capacity -1 keeps mode Proxy, 0 selects mode Serve, ' +
      'and 211 selects Serve only if the pods have more capacity than that',
    guide: '4',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-ready'],
    remedy: ["Look for 'SKS should be in ... mode' in the autoscaler's log: ebc is the excess burst capacity"],
  },
  async ({ stack, expect, signal }) => {
    const namespace = await workloadNamespace(stack, 'burst')
    const createService = async (name: string, burst: string, minScale: string, containerConcurrency = 0) => {
      const scaling = { 'min-scale': minScale, 'target-burst-capacity': burst }
      const service = await stack.knative.service(namespace, name, { scaling, containerConcurrency })
      const autoscaler = new Autoscaler(stack, service)
      await autoscaler.untilPods(Number(minScale))
      return autoscaler
    }
    const [always, never, below, above] = await Promise.all([
      createService('always', '-1', '1'),
      createService('never', '0', '1'),
      createService('below', '211', '1', 120),
      createService('above', '211', '2', 120),
    ])
    await Promise.all([never.untilMode('Serve'), above.untilMode('Serve')])
    // Four decisions of the autoscaler with Ready pods are enough to change the mode.
    const modes = await Promise.all(
      [always, below, above].map((autoscaler) => autoscaler.modesWhile(forSeconds(8, signal))),
    )
    expect(modes[0], 'ServerlessService with target-burst-capacity -1, modes within 8 s').toEqual(['Proxy'])
    expect(
      modes[1],
      'ServerlessService with target-burst-capacity 211 and a capacity of 120, modes within 8 s',
    ).toEqual(['Proxy'])
    expect(
      modes[2],
      'ServerlessService with target-burst-capacity 211 and a capacity of 240, modes within 8 s',
    ).toEqual(['Serve'])
    return '-1 gives Proxy, 0 gives Serve, 211 gives Proxy with a capacity of 120 and Serve with 240'
  },
)

check(
  'knative/probe-header',
  {
    asserts:
      'the activator answers K-Network-Probe: activator, queue-proxy answers K-Network-Probe: queue, ' +
      'and the container gets neither',
    guide: '8',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/activator-bypassed'],
    remedy: [
      'Look for an EnvoyFilter or a proxy that removes or adds the header K-Network-Probe',
      'Check that NetworkPolicies allow port 8012 of the pods from other pods',
    ],
  },
  async ({ stack, expect }) => {
    const service = await stack.knative.spare()
    const { host } = service
    const count = async () =>
      (JSON.parse((await stack.ingress.send({ host, path: '/info' })).body) as { total: number }).total
    const before = await count()
    const activators = readyPods(await podsOfComponent(stack, 'activator'))
    expect(activators.length, "Knative's activator, number of Ready pods").toBeGreaterThan(0)
    const [activator] = activators
    const mutualTls = valueOf((await stack.survey()).mutualTls)
    const { namespace: where = '', labels = {} } = activator?.metadata ?? {}
    if (hasSidecar(activator!) && modeFor(mutualTls, { namespace: where, labels }, 8012) === 'STRICT')
      throw new DoesNotApply(
        'The activators take mutual TLS alone (STRICT): a probe from outside of the mesh is refused.',
      )
    const probe = (address: string, header: string, agent: string) =>
      stack.agent.send({ address, port: 8012, host, headers: { 'k-network-probe': header, 'user-agent': agent } })
    const byActivator = await probe(String(activator?.status?.podIP), 'activator', 'plumbline')
    expect(
      [byActivator.status, byActivator.body.trim()],
      `Activator, answer to K-Network-Probe: activator (${describeAnswer(byActivator)})`,
    ).toEqual([200, 'activator'])
    const [pod] = await new Autoscaler(stack, service).untilPods(1)
    const byQueue = await probe(String(pod?.status?.podIP), 'queue', 'Knative-Activator-Probe')
    expect(
      [byQueue.status, byQueue.body.trim()],
      `queue-proxy, answer to K-Network-Probe: queue (${describeAnswer(byQueue)})`,
    ).toEqual([200, 'queue'])
    // The container counts the request for its count, too.
    expect(await count(), `Service ${service.name}, requests that the container counted after both probes`).toBe(
      before + 1,
    )
    return 'the activator answered "activator", queue-proxy answered "queue", and the container got neither probe'
  },
)
