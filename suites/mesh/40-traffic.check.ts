import { check } from '../../src/check/check.ts'
import { sendConcurrently } from '../../src/traffic/closed-loop.ts'
import { workersOf, zoneOf } from '../../src/kube/nodes.ts'
import { gatewayZones } from '../../src/mesh/gateway-zones.ts'
import type { Answer } from '../../src/traffic/http.ts'
import { networkPolicyTroubles } from '../../src/cluster/network-policies.ts'
import { podsReady } from '../../src/kube/until.ts'

check(
  'mesh/nginx-through-lb',
  {
    asserts:
      '2-replica nginx behind a Gateway and a VirtualService: 200 and the welcome page through the load balancer, served by both replicas',
    guide: '2',
    level: 'required',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/gateway-ports', 'mesh/crds'],
    remedy:
      "follow the request: does the load balancer's address answer at all, does the gateway know the host (istioctl proxy-config routes), are the endpoints healthy",
  },
  async ({ stack, expect, measure, signal }) => {
    const namespace = await stack.namespace('nginx')
    const host = `nginx.${namespace}.test`
    await stack.applyFixture('mesh/nginx.yaml', { namespace })
    await stack.applyFixture('mesh/route.yaml', { namespace, host, name: 'nginx', service: 'nginx' })
    const pods = await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=nginx' }, podsReady(2), 'podReady')
    const welcome = await stack.ingress.until(
      { host },
      (answer) => answer.status === 200 && answer.body.includes('Welcome to nginx!'),
    )
    expect(welcome.status, `status of http://${host}/ through the load balancer`).toBe(200)
    const addresses = pods.map((pod) => String(pod.status?.podIP))
    for (const address of addresses)
      await stack.ingress.until(
        { host },
        (answer) => answer.headers['x-upstream']?.startsWith(`${address}:`) ?? false,
        'configPush',
        { inARow: 1 },
      )
    const { answers, failures } = await sendConcurrently(4, 60, signal, () => stack.ingress.send({ host }))
    expect(failures, 'answers that are not 200, of 60').toEqual({})
    const served = new Set(answers.map((answer) => answer.headers['x-upstream']?.split(':')[0]))
    // With two replicas, 60 requests miss one with a chance of 2^-59.
    expect([...served].toSorted(), 'pods that served 60 requests').toEqual(addresses.toSorted())
    measure('time of one request', answers.reduce((sum, answer) => sum + answer.ms, 0) / answers.length, 'ms')
    return `200 and the welcome page; 60 requests served by ${addresses.join(' and ')}`
  },
)

check(
  'mesh/no-endpoints-503',
  {
    asserts:
      'a route to a Service with no endpoints answers 503, an unknown host 404: what the troubleshooting table rests on',
    guide: '2',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/crds'],
    remedy: 'a VirtualService or Gateway on the host "*" answers for every unknown host: give it a host of its own',
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('no-endpoints')
    const host = `empty.${namespace}.test`
    await stack.applyFixture('mesh/no-endpoints.yaml', { namespace })
    await stack.applyFixture('mesh/route.yaml', { namespace, host, name: 'empty', service: 'empty' })
    const empty = await stack.ingress.until({ host }, (answer) => answer.status === 503)
    expect(empty.body, 'what the gateway says of a Service without endpoints').toMatch(/no healthy upstream/)
    const unknown = await stack.ingress.send({ host: `unknown.${namespace}.test` })
    expect(
      unknown.status,
      `status for a host that nothing routes (${unknown.error ?? unknown.body.slice(0, 80)})`,
    ).toBe(404)
    return 'without endpoints 503 (no healthy upstream), unknown host 404'
  },
)

check(
  'mesh/cross-zone-balance',
  {
    asserts:
      'requests to each address of the load balancer are answered, and reach gateway pods of every zone, none with under half its even share',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/crds', 'infra/nodes-zones'],
    remedy:
      'run a gateway pod in every zone, and turn cross-zone load balancing on (load_balancing.cross_zone.enabled=true)',
  },
  async ({ stack, expect, measure, signal }) => {
    const { byZone } = await gatewayZones(stack)
    const workers = workersOf(await stack.all('v1/Node'))
    expect([...byZone.keys()].toSorted(), 'zones with a Ready gateway pod, against the zones of the workers').toEqual(
      [...new Set(workers.map((node) => zoneOf(node) || 'no zone'))].toSorted(),
    )

    const namespace = await stack.namespace('balance')
    const host = `balance.${namespace}.test`
    await stack.applyFixture('mesh/balance.yaml', { namespace, host })
    await stack.ingress.until({ host }, (answer) => answer.status === 200 && Boolean(answer.headers['x-gateway']))
    // 300 requests: with three zones an even share is 100, and a fair balancer gives one under 50 with a chance of 1e-9.
    // An NLB has an address in each zone: each is asked in turn, whatever a resolver would give.
    const addresses = await stack.ingress.addresses()
    let sent = 0
    const { answers, failures } = await sendConcurrently(8, 300, signal, () =>
      stack.ingress.send({ host, to: addresses[sent++ % addresses.length]! }),
    )
    expect(failures, `answers that are not 200, of 300 to ${addresses.join(', ')}`).toEqual({})
    const podOf = (answer: Answer) => answer.headers['x-gateway']?.split(':')[0] ?? ''
    const counts = Object.fromEntries(
      [...byZone].map(([zone, { pods }]) => [zone, answers.filter((answer) => pods.has(podOf(answer))).length]),
    )
    const half = answers.length / Object.keys(counts).length / 2
    for (const [zone, count] of Object.entries(counts)) {
      measure(`requests in ${zone}`, count, 'requests')
      expect(
        count,
        `requests of 300 that reached a gateway in ${zone} (half an even share is ${Math.ceil(half)})`,
      ).toBeGreaterThanOrEqual(half)
    }
    return `300 requests: ${Object.entries(counts)
      .map(([zone, count]) => `${zone} ${count}`)
      .join(', ')}`
  },
)

check(
  'mesh/connection-pool-configured',
  {
    asserts:
      "a DestinationRule's maxConnections 100 and http2MaxRequests 50 reach the gateway's Envoy cluster as circuit breakers",
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['mesh/proxies-synced', 'mesh/crds'],
    remedy:
      'see whether another DestinationRule has the same host, and whether istiod logs a rejected push (istioctl proxy-status, istioctl proxy-config clusters)',
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('pool')
    await stack.applyFixture('mesh/no-endpoints.yaml', { namespace })
    await stack.applyFixture('mesh/route.yaml', {
      namespace,
      host: `empty.${namespace}.test`,
      name: 'empty',
      service: 'empty',
    })
    await stack.applyFixture('mesh/connection-pool.yaml', { namespace })
    const cluster = `outbound|80||empty.${namespace}.svc.cluster.local`
    const limits = await stack.istio.circuitBreakers(cluster, (found) => found.maxConnections === 100)
    for (const [pod, found] of Object.entries(limits)) {
      expect(found, `circuit breakers of ${cluster} in ${pod}`).toMatchObject({ maxConnections: 100, maxRequests: 50 })
    }
    return `${Object.keys(limits).length} gateways have max_connections 100 and max_requests 50`
  },
)

check(
  'mesh/admin-port-closed',
  {
    asserts:
      "Envoy's admin port 15000 does not answer from another pod; where the CNI enforces NetworkPolicy, a policy names it",
    guide: '11',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/pods-running'],
    remedy:
      "leave Envoy's admin on the pod's loopback (proxyAdminPort's default), and give the gateway a NetworkPolicy that lists the ports it serves",
  },
  async ({ stack, expect }) => {
    const gateways = await stack.istio.gatewayPods()
    for (const pod of gateways) {
      const address = String(pod.status?.podIP)
      const ready = await stack.agent.send({ address, port: 15021, host: address, path: '/healthz/ready' })
      expect(
        ready.status,
        `status port 15021 of ${pod.metadata?.name} from another pod (${ready.error ?? ''}): without it the next line would prove nothing`,
      ).toBe(200)
      const admin = await stack.agent.send({ address, port: 15000, host: address, path: '/server_info' })
      expect(
        admin.status,
        `admin port 15000 of ${pod.metadata?.name} from another pod, 0 for no answer (${admin.error ?? admin.body.slice(0, 60)})`,
      ).toBe(0)
    }
    const { enforcedBy, troubles } = await networkPolicyTroubles(stack, gateways, 15000)
    expect(troubles, `gateway pods that no NetworkPolicy guards, though ${enforcedBy} enforces them`).toBeNone()
    return `${gateways.length} gateways: 15021 answers from another pod, 15000 refuses; ${enforcedBy ? `${enforcedBy} enforces a policy for them` : 'no CNI that is known to enforce NetworkPolicy'}`
  },
)
