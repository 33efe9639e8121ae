import type { KubernetesObject } from '../core/object.ts'
import { found, lookFor, type Fact } from './fact.ts'
import { argOf, controllerOf, loadBalancerControllers, type Controllers } from './load-balancer-controllers.ts'
import { addressesOf, makerOf, type MadeBy } from './load-balancer-maker.ts'
import type { Readings } from './readings.ts'
import type { LoadBalancer } from './survey.ts'
import { workloadOf } from './workloads.ts'

/** Who makes the load balancer of a gateway's Service, and what came of it. */
export const readLoadBalancer = (readings: Readings, service: KubernetesObject): Promise<Fact<LoadBalancer>> =>
  lookFor('the load balancer', async () => {
    const [controllers, events] = await Promise.all([loadBalancerControllers(readings), eventsOf(readings, service)])
    const made = await madeBy(readings, service, controllers, events)
    const classOf = service.spec?.loadBalancerClass as string | undefined
    const balancer: LoadBalancer = {
      maker: made.maker,
      ...(classOf ? { class: classOf } : {}),
      announcers: [],
      addresses: addressesOf(service),
      ...(made.maker === 'aws-lbc' ? await controllerOf(readings, controllers.aws) : {}),
      ...(made.maker === 'metallb' ? await metalLb(readings, service, controllers, events) : {}),
    }
    return found(balancer, `Service ${service.metadata?.namespace}/${service.metadata?.name}: ${made.by}`)
  })

/** Events about a Service; none where we may not list them. */
const eventsOf = (readings: Readings, { metadata }: KubernetesObject): Promise<KubernetesObject[]> =>
  readings
    .list('v1/Event', metadata?.namespace)
    .then((events) =>
      events.filter(
        ({ involvedObject }) => involvedObject?.kind === 'Service' && involvedObject.name === metadata?.name,
      ),
    )
    .catch(() => [])

async function madeBy(
  readings: Readings,
  service: KubernetesObject,
  { aws, metallb }: Controllers,
  events: readonly KubernetesObject[],
): Promise<MadeBy> {
  const override = readings.config.loadBalancer.maker
  if (override) return { maker: override, by: 'stack.yaml: loadBalancer.maker' }
  const [daemonSets, nodes, ...bindings] = await Promise.all([
    readings.list('apps/v1/DaemonSet'),
    readings.list('v1/Node').catch(() => [] as KubernetesObject[]),
    ...['elbv2.k8s.aws', 'eks.amazonaws.com'].map((group) =>
      readings.listServed(`${group}/TargetGroupBinding`).catch(() => [] as KubernetesObject[]),
    ),
  ])
  const installed = [
    ...(aws ? [{ maker: 'aws-lbc' as const, class: argOf(aws, 'load-balancer-class') ?? 'service.k8s.aws/nlb' }] : []),
    ...(metallb ? [{ maker: 'metallb' as const, class: argOf(metallb, 'lb-class') }] : []),
  ]
  return makerOf({ service, events, daemonSets, nodes, bindings: bindings.flat(), installed })
}

const POOL = /^metallb\.(io|universe\.tf)\/ip-allocated-from-pool$/

/** What MetalLB made: the pool that the address is of, and who announces it how. */
async function metalLb(
  readings: Readings,
  service: KubernetesObject,
  { metallb, speakers }: Controllers,
  events: readonly KubernetesObject[],
): Promise<Partial<LoadBalancer>> {
  const pool = Object.entries(service.metadata?.annotations ?? {}).find(([key]) => POOL.test(key))?.[1]
  const [controller, statuses, layer2, bgp] = await Promise.all([
    controllerOf(readings, metallb),
    listed(readings, 'ServiceL2Status'),
    listed(readings, 'L2Advertisement'),
    listed(readings, 'BGPAdvertisement'),
  ])
  const said = announcements(service, statuses, events)
  const mode = said.mode ?? (layer2.length ? 'l2' : bgp.length ? 'bgp' : undefined)
  return {
    ...controller,
    ...(speakers ? { speakers: await workloadOf(speakers, readings) } : {}),
    ...(pool ? { pool } : {}),
    ...(mode ? { mode } : {}),
    announcers: said.nodes,
  }
}

const listed = (readings: Readings, kind: string): Promise<KubernetesObject[]> =>
  readings.listServed(`metallb.io/${kind}`).catch(() => [])

/** The nodes that announce a Service's address: by ServiceL2Status, or by what the speakers said last. */
function announcements(
  { metadata }: KubernetesObject,
  statuses: readonly KubernetesObject[],
  events: readonly KubernetesObject[],
): { nodes: string[]; mode?: 'l2' | 'bgp' } {
  const own = statuses.filter(
    ({ metadata: status }) =>
      status?.labels?.['metallb.io/service-name'] === metadata?.name &&
      status?.labels?.['metallb.io/service-namespace'] === metadata?.namespace,
  )
  if (own.length) return { nodes: own.map(({ status }) => String(status?.node)), mode: 'l2' }
  const assigned = events
    .filter(({ reason }) => reason === 'nodeAssigned')
    .toSorted((a, b) => String(b.lastTimestamp).localeCompare(String(a.lastTimestamp)))
    .map(({ message }) => /from node "([^"]+)" with protocol "(layer2|bgp)"/.exec(String(message)))
    .find((match) => match !== null)
  return assigned ? { nodes: [assigned[1]!], mode: assigned[2] === 'bgp' ? 'bgp' : 'l2' } : { nodes: [] }
}
