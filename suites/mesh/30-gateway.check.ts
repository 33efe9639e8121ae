import { check } from '../../src/check/check.ts'
import { addressInPools } from '../../src/cloud/address-pool.ts'
import { ELB_HOSTNAME, loadBalancerController } from '../../src/cloud/load-balancer.ts'

check(
  'mesh/gateway-service-type',
  {
    asserts: 'the Service istio-ingressgateway is of type LoadBalancer',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: 'set the type under the gateway of the IstioOperator (k8s.service.type), then istioctl install',
  },
  async ({ stack, expect }) => {
    const { namespace, service: name } = stack.config.gateway
    const service = await stack.one('v1/Service', name, namespace)
    expect(service.spec?.type, `spec.type of Service ${namespace}/${name}`).toBe('LoadBalancer')
    return `Service ${namespace}/${name} is of type LoadBalancer`
  },
)

const PORTS = [
  [15021, 15021, 'status-port'],
  [80, 8080, 'http2'],
  [443, 8443, 'https'],
] as const

check(
  'mesh/gateway-ports',
  {
    asserts:
      'the gateway Service maps http2 80 to 8080 and https 443 to 8443, and has the status port 15021 that overriding the list drops',
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy:
      'set the ports under the gateway of the IstioOperator, 15021 among them (a list replaces the whole list), then istioctl install',
  },
  async ({ stack, expect }) => {
    const { namespace, service: name } = stack.config.gateway
    const service = await stack.one('v1/Service', name, namespace)
    const ports = (service.spec?.ports ?? []) as { name?: string; port: number; targetPort?: number | string }[]
    const told = ports.map((port) => `${port.name} ${port.port}->${port.targetPort}`).join(', ')
    for (const [port, target, meaning] of PORTS) {
      const found = ports.find((each) => each.port === port)
      expect(found, `port ${port} (${meaning}) of Service ${namespace}/${name}, which has ${told}`).toBeDefined()
      expect(found?.targetPort ?? found?.port, `targetPort of port ${port} of Service ${namespace}/${name}`).toBe(
        target,
      )
    }
    return told
  },
)

check(
  'mesh/gateway-address',
  {
    asserts: 'status.loadBalancer has an address: an ELB hostname on EKS, an address of the pool on kind',
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy: "the events of the Service and the load balancer controller's log say why it gets no address",
  },
  async ({ stack, expect }) => {
    const { namespace, service: name } = stack.config.gateway
    const service = await stack.one('v1/Service', name, namespace)
    const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]
    expect(ingress.length, `addresses in status.loadBalancer.ingress of Service ${namespace}/${name}`).toBeGreaterThan(
      0,
    )
    const controller = await loadBalancerController(stack)
    if (controller.kind === 'aws') {
      expect(ingress[0]?.hostname ?? 'none', 'its hostname').toMatch(ELB_HOSTNAME)
      return `hostname ${ingress[0]?.hostname}`
    }
    const pools = (await stack.all('metallb.io/v1beta1/IPAddressPool')).flatMap(
      (pool) => (pool.spec?.addresses ?? []) as string[],
    )
    expect(
      addressInPools(ingress[0]?.ip ?? '', pools),
      `${ingress[0]?.ip} in MetalLB's pools ${pools.join(', ')}`,
    ).toBe(true)
    return `address ${ingress[0]?.ip} of the pool ${pools.join(', ')}`
  },
)
