import { check } from '../../src/check/check.ts'
import { sendConcurrently } from '../../src/traffic/closed-loop.ts'
import { DoesNotApply, NotLookedAt } from '../../src/core/problem.ts'
import { gatewayZones, whyUneven } from '../../src/mesh/gateway-zones.ts'
import { clusterDomain, externalGateways, theGateway } from '../../src/survey/surveyed.ts'
import { describeAnswer, type Answer } from '../../src/traffic/http.ts'
import { networkPolicyTroubles } from '../../src/cluster/network-policies.ts'
import { podsReady } from '../../src/kube/until.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'mesh/nginx-through-lb',
  {
    asserts:
      'the load balancer answers requests for a 2-replica nginx behind a Gateway and a VirtualService with 200 and ' +
      'its welcome page, from both replicas',
    guide: '2',
    level: 'required',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/gateway-ports', 'mesh/crds'],
    remedy: [
      "Run curl against the load balancer's address, to see whether it answers at all",
      'Run istioctl proxy-config routes GATEWAY_POD.NAMESPACE, to see whether the gateway knows the host',
      'Run istioctl proxy-config endpoints GATEWAY_POD.NAMESPACE, to see whether the endpoints are healthy',
    ],
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
    expect(welcome.status, `http://${host}/ through the load balancer, status`).toBe(200)
    const addresses = pods.map((pod) => String(pod.status?.podIP))
    for (const address of addresses)
      await stack.ingress.until(
        { host },
        (answer) => answer.headers['x-upstream']?.startsWith(`${address}:`) ?? false,
        'configPush',
        { inARow: 1 },
      )
    const { answers, failures } = await sendConcurrently(4, 60, signal, () => stack.ingress.send({ host }))
    expect(listFailures(failures), `http://${host}/: answers other than 200, of 60 requests`).toBeNone()
    const serving = new Set(answers.map((answer) => answer.headers['x-upstream']?.split(':')[0]))
    // With two replicas, 60 requests miss one with a probability of 2^-59.
    expect([...serving].toSorted(), `http://${host}/: pods that answered 60 requests`).toEqual(addresses.toSorted())
    measure('time of one request', answers.reduce((sum, answer) => sum + answer.ms, 0) / answers.length, 'ms')
    return `http://${host}/ answers 200 with the welcome page; the pods ${addresses.join(' and ')} answered 60 requests`
  },
)

check(
  'mesh/no-endpoints-503',
  {
    asserts: 'a route to a Service without endpoints answers 503, and an unknown host answers 404',
    guide: '2',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/crds'],
    remedy: [
      'Run kubectl get virtualservices,gateways.networking.istio.io -A and look for the host "*"',
      'Give that VirtualService or Gateway a host of its own: it answers for every unknown host',
    ],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('no-endpoints')
    const host = `empty.${namespace}.test`
    await stack.applyFixture('mesh/no-endpoints.yaml', { namespace })
    await stack.applyFixture('mesh/route.yaml', { namespace, host, name: 'empty', service: 'empty' })
    const empty = await stack.ingress.until({ host }, (answer) => answer.status === 503)
    expect(empty.body, `http://${host}/ (a Service without endpoints), body of the 503`).toMatch(/no healthy upstream/)
    const unknownHost = `unknown.${namespace}.test`
    const unknown = await stack.ingress.send({ host: unknownHost })
    expect(
      unknown.status,
      `http://${unknownHost}/ (no route), status (${unknown.error ?? unknown.body.slice(0, 80)})`,
    ).toBe(404)
    return 'A Service without endpoints answers 503 (no healthy upstream), an unknown host answers 404'
  },
)

check(
  'mesh/cross-zone-balance',
  {
    asserts:
      'every gateway has a pod in each zone whose nodes take its pods; every address of the load balancer answers, ' +
      'and the gateway pods of each zone get at least half of an even share of the requests',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/version', 'mesh/gateway-address', 'mesh/crds'],
    remedy: [
      'Run a gateway pod in every zone: topologySpreadConstraints on topology.kubernetes.io/zone',
      'Turn cross-zone load balancing on: load_balancing.cross_zone.enabled=true',
    ],
  },
  async ({ stack, expect, measure, signal }) => {
    const { byZone, possible } = await gatewayZones(stack)
    if (possible.length < 2)
      throw new DoesNotApply(`Gateway pods may run in a single zone only (${possible.join() || 'without a label'}).`)
    for (const gateway of await externalGateways(stack)) {
      const { namespace, name } = gateway.service
      const zones = await gatewayZones(stack, gateway)
      const empty = zones.possible.filter((zone) => !zones.byZone.has(zone))
      expect(empty, `Zones without a Ready pod of the gateway ${namespace}/${name}`).toBeNone()
    }
    const uneven = whyUneven(await theGateway(stack))
    if (uneven) throw new DoesNotApply(uneven)

    const namespace = await stack.namespace('balance')
    const host = `balance.${namespace}.test`
    await stack.applyFixture('mesh/balance.yaml', { namespace, host })
    await stack.ingress.until({ host }, (answer) => answer.status === 200 && Boolean(answer.headers['x-gateway']))
    // With 3 zones an even share of 300 is 100; a fair balancer sends a zone fewer than 50 with a probability of 1e-9.
    // An NLB has an address in each zone: each is asked in turn, whatever a resolver would give.
    const addresses = await stack.ingress.addresses()
    let sent = 0
    const { answers, failures } = await sendConcurrently(8, 300, signal, () =>
      stack.ingress.send({ host, to: addresses[sent++ % addresses.length]! }),
    )
    expect(
      listFailures(failures),
      `http://${host}/ at ${addresses.join(', ')}: answers other than 200, of 300 requests`,
    ).toBeNone()
    const podOf = (answer: Answer) => answer.headers['x-gateway']?.split(':')[0] ?? ''
    const counts = Object.fromEntries(
      [...byZone].map(([zone, { pods }]) => [zone, answers.filter((answer) => pods.has(podOf(answer))).length]),
    )
    const half = answers.length / Object.keys(counts).length / 2
    for (const [zone, count] of Object.entries(counts)) {
      measure(`requests in ${zone}`, count, 'requests')
      expect(count >= half).toHold(
        `Gateway pods in ${zone} got ${count} of ${answers.length} requests; ` +
          `at least ${Math.ceil(half)} are expected, half of an even share`,
      )
    }
    const shares = Object.entries(counts).map(([zone, count]) => `${count} in ${zone}`)
    return `300 requests reached gateway pods in every zone: ${shares.join(', ')}`
  },
)

check(
  'mesh/connection-pool-configured',
  {
    asserts:
      "a DestinationRule's maxConnections 100 and http2MaxRequests 50 are circuit breakers of the cluster in every " +
      "gateway's Envoy",
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['mesh/proxies-synced', 'mesh/crds'],
    remedy: [
      'Run kubectl get destinationrules -A and look for another one with the same host',
      'Run istioctl proxy-status, and look in the log of istiod for a rejected push',
      'Run istioctl proxy-config clusters GATEWAY_POD.NAMESPACE -o json to see the circuit breakers',
    ],
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
    const cluster = `outbound|80||empty.${namespace}.svc.${await clusterDomain(stack)}`
    const limits = await stack.istio.circuitBreakers(cluster, (found) => found.maxConnections === 100)
    for (const [pod, found] of Object.entries(limits)) {
      expect(found, `Pod ${pod}, circuit breakers of ${cluster}`).toMatchObject({
        maxConnections: 100,
        maxRequests: 50,
      })
    }
    return (
      `${counted(Object.keys(limits).length, 'gateway pod has', 'gateway pods have')} ` +
      `` +
      `max_connections 100 and max_requests 50 for ${cluster}`
    )
  },
)

check(
  'mesh/admin-port-closed',
  {
    asserts:
      "the admin port of a gateway's Envoy does not answer another pod; where the CNI enforces NetworkPolicy, a " +
      'policy keeps the port closed',
    guide: '11',
    level: 'recommended',
    effect: 'writes',
    needs: ['mesh/pods-running'],
    remedy: [
      "Leave proxyAdminPort at its default: Envoy's admin interface then listens on the pod's loopback only",
      'Create a NetworkPolicy for the gateway pods that allows only the ports that they serve',
    ],
  },
  async ({ stack, expect }) => {
    const { adminPort, statusPort } = await theGateway(stack)
    const gateways = await stack.istio.gatewayPods()
    const { enforcedBy, troubles } = await networkPolicyTroubles(stack, gateways, adminPort)
    for (const pod of gateways) {
      const address = String(pod.status?.podIP)
      const ready = await stack.agent.send({ address, port: statusPort, host: address, path: '/healthz/ready' })
      const name = `Pod ${pod.metadata?.namespace}/${pod.metadata?.name}`
      // Without an answer here, no answer from the admin port proves nothing; a policy may be why there is none.
      if (ready.status !== 200 && (!enforcedBy || troubles.length)) {
        throw new NotLookedAt(
          `${name}: its status port ${statusPort} does not answer a pod of ours (${describeAnswer(ready)}), ` +
            `so no answer from the admin port ${adminPort} would prove nothing`,
        )
      }
      const admin = await stack.agent.send({ address, port: adminPort, host: address, path: '/server_info' })
      expect(admin.status === 0).toHold(
        `${name}, port ${adminPort} (Envoy admin) answers another pod with status ${admin.status}; ` +
          `no answer is expected (${admin.error ?? admin.body.slice(0, 60)})`,
      )
    }
    expect(
      troubles,
      `Gateway pods whose port ${adminPort} no NetworkPolicy closes (${enforcedBy} enforces them)`,
    ).toBeNone()
    const policies = enforcedBy
      ? `a NetworkPolicy closes it, enforced by ${enforcedBy}`
      : 'NetworkPolicy was not checked (no CNI that is known to enforce it)'
    return `${counted(gateways.length, 'gateway pod')}: port ${adminPort} does not answer another pod; ${policies}`
  },
)

/** How often each failure occurred, as '3 x status 503'. */
const listFailures = (failures: Readonly<Record<string, number>>): string[] =>
  Object.entries(failures).map(([failure, count]) => `${count} x ${failure}`)
