import type { KubernetesObject } from '../core/object.ts'
import { selects } from '../kube/selector.ts'
import { readKnativeGateways } from './config-istio.ts'
import { absent, found, lookFor, valueOr, type Fact } from './fact.ts'
import { istiodByConnection, istiodName, istiodOfPods } from './gateway-istiod.ts'
import { gatewayLabels } from './gateway-labels.ts'
import { readProxy } from './gateway-proxy.ts'
import { gatewayRoles, type Naming, type Roles } from './gateway-roles.ts'
import { isGatewayApiManaged } from './gateway-template.ts'
import { gatewayPorts, gatewayServices, type GatewayService } from './gateway-workloads.ts'
import { readLoadBalancer } from './load-balancer.ts'
import { addressesOf } from './load-balancer-maker.ts'
import type { Readings } from './readings.ts'
import type { Gateway, Istiod, Labels } from './survey.ts'
import { workloadOf } from './workloads.ts'

/**
 * Every gateway: a Service with gateway pods behind it, what it is for, where it listens and what it logs.
 * @throws UsageProblem for a gateway in stack.yaml that does not exist
 */
export const readGateways = (readings: Readings, istiods: Promise<Fact<Istiod[]>>): Promise<Fact<Gateway[]>> =>
  lookFor('gateways', async () => {
    const [services, naming] = await Promise.all([gatewayServices(readings), readNaming(readings)])
    const { roles, by } = gatewayRoles(
      services.map(({ service, workloads }) => ({
        service: { ...refOf(service), type: String(service.spec?.type ?? 'ClusterIP') },
        podLabels: workloads.map(labelsOf),
        addresses: addressesOf(service),
      })),
      naming,
    )
    if (services.length === 0) {
      return absent(
        'No Service has gateway pods behind it: none is injected by the template gateway, ' +
          'none runs istio-proxy as a router, none is managed for a Gateway of the Gateway API.',
      )
    }
    const all = valueOr(await istiods, [])
    const gateways = await Promise.all(services.map((each) => readGateway(readings, { each, services, roles, all })))
    return found(gateways, `Services in front of gateway pods; the certified one: ${by}`)
  })

async function readNaming(readings: Readings): Promise<Naming> {
  const [knative, objects] = await Promise.all([
    readKnativeGateways(readings),
    readings.listServed('networking.istio.io/Gateway').catch(() => [] as KubernetesObject[]),
  ])
  return {
    override: readings.config.gateway,
    objects,
    knative: 'value' in knative ? { gateways: knative.value, by: knative.by } : undefined,
  }
}

const refOf = ({ metadata }: KubernetesObject) => ({
  namespace: metadata?.namespace ?? '',
  name: metadata?.name ?? '',
})

const templateOf = ({ spec }: KubernetesObject): KubernetesObject => (spec?.template ?? {}) as KubernetesObject
const labelsOf = (workload: KubernetesObject): Labels => templateOf(workload).metadata?.labels ?? {}

interface Parts {
  each: GatewayService
  services: readonly GatewayService[]
  roles: Roles['roles']
  /** All istiods. */
  all: Istiod[]
}

async function readGateway(readings: Readings, { each, services, roles, all }: Parts): Promise<Gateway> {
  const { service, workloads } = each
  const { namespace, name } = refOf(service)
  const pods = await podsOf(readings, workloads)
  // Who is connected is the truth; it is asked only where there is a choice.
  const connected = all.length > 1 ? await istiodByConnection(readings, pods, all) : undefined
  const istiod = connected ?? istiodOfPods(pods, all)
  const ports = gatewayPorts(each)
  const configuring = all.find((one) => 'value' in istiod && istiodName(one) === istiod.value)
  const [proxy, balancer, ...made] = await Promise.all([
    readProxy(readings, pods, ports, configuring),
    readLoadBalancer(readings, service),
    ...workloads.map((workload) => workloadOf(workload, readings)),
  ])
  const selector = (service.spec?.selector ?? {}) as Labels
  const others = services.flatMap((other) => other.workloads).filter((workload) => !workloads.includes(workload))
  return {
    role: roles.get(`${namespace}/${name}`) ?? 'other',
    service: {
      ...{ namespace, name, selector },
      type: String(service.spec?.type ?? 'ClusterIP'),
      externalTrafficPolicy: String(service.spec?.externalTrafficPolicy ?? 'Cluster'),
      sessionAffinity: String(service.spec?.sessionAffinity ?? 'None'),
    },
    ports,
    labels: gatewayLabels(workloads.map(labelsOf), others.map(labelsOf), selector),
    workloads: made,
    managedBy: workloads.some((workload) => isGatewayApiManaged(templateOf(workload)))
      ? 'gateway-api'
      : made.some(({ owner }) => owner?.kind === 'operator')
        ? 'operator'
        : 'manifest',
    ...proxy,
    hostNetwork: workloads.some((workload) => templateOf(workload).spec?.hostNetwork === true),
    istiod,
    credentialNamespace: namespace,
    balancer,
  }
}

/** The pods of workloads, whether Ready or not. */
async function podsOf(readings: Readings, workloads: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
  const pods = await readings.list('v1/Pod')
  return pods.filter(({ metadata }) =>
    workloads.some(
      (workload) =>
        workload.metadata?.namespace === metadata?.namespace &&
        selects(workload.spec?.selector, metadata?.labels ?? {}),
    ),
  )
}
