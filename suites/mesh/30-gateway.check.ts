import { allServed } from '../../src/cluster/served.ts'
import { check } from '../../src/check/check.ts'
import { addressInPools } from '../../src/cloud/address-pool.ts'
import { ELB_HOSTNAME } from '../../src/cloud/elb-hostname.ts'
import { gatewayService } from '../../src/cluster/gateway-service.ts'
import { NotLookedAt } from '../../src/core/problem.ts'
import { isEntrance, portsWithoutWay } from '../../src/mesh/entrance.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { addressesOf } from '../../src/survey/load-balancer-maker.ts'
import { externalGateways, theGateway } from '../../src/survey/surveyed.ts'

check(
  'mesh/gateway-service-type',
  {
    asserts:
      "the gateway's Service lets traffic in from outside of the cluster: it has type LoadBalancer or NodePort, or a " +
      'load balancer is bound to it, or stack.yaml names the address in front of it',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Set k8s.service.type: LoadBalancer under the gateway in the IstioOperator, or service.type in the values of ' +
        "Istio's gateway chart",
      'Or set addresses.ingress in stack.yaml to the address of the load balancer that somebody else made',
    ],
  },
  async ({ stack, expect }) => {
    const gateway = await theGateway(stack)
    const { namespace, name, type } = gateway.service
    const { ingress } = stack.config.addresses
    const { maker } = valueOf(gateway.balancer)
    expect(ingress !== undefined || isEntrance(gateway, maker)).toHold(
      `Service ${namespace}/${name} has type ${type}, and no load balancer is bound to it; ` +
        'type LoadBalancer is expected, or addresses.ingress in stack.yaml',
    )
    const named = ingress === undefined ? '' : `; stack.yaml names ${ingress} as the address in front of it`
    return `Service ${namespace}/${name} has type ${type}${named}`
  },
)

check(
  'mesh/gateway-ports',
  {
    asserts:
      'every port on which a Gateway that config-istio names has a server is a port of the Service in front of the ' +
      "gateway, and leads to where the gateway's Envoy listens",
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy: [
      "Add the port to the ports of the gateway's Service: k8s.service.ports in the IstioOperator, service.ports in " +
        "the values of Istio's gateway chart",
      'List all of them: a list of ports replaces the default list',
      "Read the log of istiod where the Service has the port: a gateway without rights to listen below 1024 doesn't",
    ],
  },
  async ({ stack, expect }) => {
    const said: string[] = []
    for (const gateway of await externalGateways(stack)) {
      const { namespace, name } = gateway.service
      const mappings = gateway.ports.map(({ name: port = '', port: from, target }) => `${port} ${from}->${target}`)
      expect(gateway.ports.length, `Ports of Service ${namespace}/${name}`).toBeGreaterThan(0)
      const lost = await portsWithoutWay(stack, gateway)
      expect(
        lost,
        `Ports of Gateways to which Service ${namespace}/${name} does not lead (it has ${mappings.join(', ')})`,
      ).toBeNone()
      said.push(`Service ${namespace}/${name} has the ports ${mappings.join(', ')}`)
    }
    return said.join('; ')
  },
)

check(
  'mesh/gateway-address',
  {
    asserts:
      'the load balancer of the gateway has an address: that of stack.yaml, or in status.loadBalancer of the Service ' +
      'what its maker gives, such as an ELB hostname of AWS or an address of a MetalLB pool',
    guide: '2',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type'],
    remedy: [
      'Run kubectl describe service on the gateway Service and read its events',
      'Read the log of the load balancer controller',
      'Set addresses.ingress in stack.yaml where the load balancer was made outside of the cluster',
    ],
  },
  async ({ stack, expect }) => {
    const { ingress } = stack.config.addresses
    const { balancer, service } = await theGateway(stack)
    const name = `Service ${service.namespace}/${service.name}`
    if (ingress !== undefined) {
      expect(ingress.length, 'addresses.ingress of stack.yaml').toBeGreaterThan(0)
      return `stack.yaml names ${ingress} as the address in front of ${name}`
    }
    const { maker, pool } = valueOf(balancer)
    const addresses = addressesOf(await gatewayService(stack))
    if (addresses.length === 0 && service.type !== 'LoadBalancer') {
      throw new NotLookedAt(
        `${name} has type ${service.type}, and the cluster does not tell the address of a load balancer in front of ` +
          'it: set addresses.ingress in stack.yaml',
      )
    }
    const field = `${name}, status.loadBalancer.ingress`
    expect(addresses.length > 0).toHold(`${field}: no address was assigned`)
    const [address = ''] = addresses
    if (maker === 'aws-lbc' || maker === 'eks-auto') expect(address, `${field}, hostname`).toMatch(ELB_HOSTNAME)
    if (maker === 'metallb') {
      const pools = (await allServed(stack, 'metallb.io/IPAddressPool'))
        .filter(({ metadata }) => pool === undefined || metadata?.name === pool)
        .flatMap(({ spec }) => (spec?.addresses ?? []) as string[])
      const outside = addresses.filter((each) => !addressInPools(each, pools))
      expect(outside, `${field}: addresses outside of the MetalLB address pools ${pools.join(', ')}`).toBeNone()
    }
    return `${name} has the address ${addresses.join(', ')}`
  },
)
