import { check } from '../../src/check/check.ts'
import { addressInPools } from '../../src/cloud/address-pool.ts'
import { ELB_HOSTNAME, loadBalancerController } from '../../src/cloud/load-balancer.ts'
import { gatewayName } from '../../src/cluster/gateway-service.ts'

check(
  'mesh/gateway-service-type',
  {
    asserts: 'the gateway Service has type LoadBalancer',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Set k8s.service.type: LoadBalancer under the gateway in the IstioOperator',
      'Run istioctl install -f FILE',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, name } = await gatewayName(stack)
    const service = await stack.one('v1/Service', name, namespace)
    expect(service.spec?.type, `Service ${namespace}/${name}, spec.type`).toBe('LoadBalancer')
    return `Service ${namespace}/${name} has type LoadBalancer`
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
    asserts: 'the gateway Service maps port 80 to 8080, 443 to 8443, and the status port 15021 to 15021',
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy: [
      'Set k8s.service.ports under the gateway in the IstioOperator: 15021, 80 with targetPort 8080, 443 with 8443',
      'List all of them, 15021 too: a list of ports replaces the default list',
      'Run istioctl install -f FILE',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, name } = await gatewayName(stack)
    const service = await stack.one('v1/Service', name, namespace)
    const ports = (service.spec?.ports ?? []) as { name?: string; port: number; targetPort?: number | string }[]
    const mappings = ports.map((port) => `${port.name} ${port.port}->${port.targetPort}`).join(', ')
    for (const [port, target, portName] of PORTS) {
      const found = ports.find((candidate) => candidate.port === port)
      expect(found !== undefined).toHold(
        `Service ${namespace}/${name}: port ${port} (${portName}) not found in spec.ports (it has ${mappings})`,
      )
      expect(
        found?.targetPort ?? found?.port,
        `Service ${namespace}/${name}, targetPort of port ${port} (${portName})`,
      ).toBe(target)
    }
    return `Service ${namespace}/${name} has the ports ${mappings}`
  },
)

check(
  'mesh/gateway-address',
  {
    asserts:
      'the gateway Service has an address in status.loadBalancer: an ELB hostname on EKS, an address of a MetalLB ' +
      'pool elsewhere',
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy: [
      'Run kubectl describe service on the gateway Service and read its events',
      'Read the log of the load balancer controller',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, name } = await gatewayName(stack)
    const service = await stack.one('v1/Service', name, namespace)
    const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]
    const field = `Service ${namespace}/${name}, status.loadBalancer.ingress`
    expect(ingress.length > 0).toHold(`${field}: no address was assigned`)
    const controller = await loadBalancerController(stack)
    if (controller.kind === 'aws') {
      expect(ingress[0]?.hostname ?? 'none', `${field}, hostname`).toMatch(ELB_HOSTNAME)
      return `Service ${namespace}/${name} has the hostname ${ingress[0]?.hostname}`
    }
    const pools = (await stack.all('metallb.io/v1beta1/IPAddressPool')).flatMap(
      (pool) => (pool.spec?.addresses ?? []) as string[],
    )
    const address = ingress[0]?.ip ?? ''
    expect(addressInPools(address, pools)).toHold(
      `${field}: ${address || 'no IP'} is not in the MetalLB address pools ${pools.join(', ') || '(there are none)'}`,
    )
    return `Service ${namespace}/${name} has the address ${address} of the pools ${pools.join(', ')}`
  },
)
