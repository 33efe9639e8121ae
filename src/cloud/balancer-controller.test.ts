import { describe, expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import type { Maker } from '../config/load-balancer-makers.ts'
import { found } from '../survey/fact.ts'
import { balancerController, balancing } from './balancer-controller.ts'

interface Made {
  maker: Maker
  type?: string
  controller?: object
  ingress?: string
}

const clusterOf = ({ maker, type = 'LoadBalancer', controller, ingress }: Made) =>
  ({
    config: { addresses: { ingress } },
    survey: () =>
      Promise.resolve({
        gateways: found(
          [
            {
              role: 'certified',
              service: { namespace: 'edge', name: 'gateway', type },
              balancer: found({ maker, announcers: [], addresses: [], ...(controller ? { controller } : {}) }, 'mark'),
            },
          ],
          'test',
        ),
      }),
  }) as unknown as Cluster

const controller = { namespace: 'lb', name: 'any-name' }

describe('the controller of the load balancer', () => {
  test('is found by its maker, whatever its name', async () => {
    for (const maker of ['aws-lbc', 'metallb'] as const)
      await expect(balancerController(clusterOf({ maker, controller }))).resolves.toMatchObject({ controller })
  })

  test.each<[Maker, RegExp]>([
    ['eks-auto', /made by EKS Auto Mode, which runs outside the cluster/],
    ['ccm', /the cloud provider's controller, which runs outside/],
    ['tgb', /a TargetGroupBinding, which names a load balancer that was made outside/],
    ['kind', /cloud-provider-kind, which runs outside the cluster/],
    ['kube-vip', /kube-vip, of which no controller is known/],
    ['servicelb', /the ServiceLB of K3s, of which no controller/],
    ['cilium', /Cilium's LB IPAM, of which no controller/],
    ['other', /somebody unknown, of which no controller/],
  ])('of %s is not looked at, with the reason', async (maker, sentence) => {
    await expect(balancerController(clusterOf({ maker }))).rejects.toMatchObject({
      name: 'DoesNotApply',
      message: expect.stringMatching(sentence) as string,
    })
  })

  test.each<Maker>(['aws-lbc', 'metallb'])('of %s must be in the cluster: a finalizer outlives it', async (maker) => {
    await expect(balancerController(clusterOf({ maker }))).rejects.toMatchObject({
      name: 'StackFailure',
      message: expect.stringMatching(
        /^The load balancer of Service edge\/gateway is made by .*, whose Deployment is not/,
      ) as string,
    })
  })
})

describe('a load balancer that nobody makes', () => {
  test('is a failure of a Service that asks for one', async () => {
    await expect(balancing(clusterOf({ maker: 'none' }))).rejects.toMatchObject({ name: 'StackFailure' })
  })

  test('is fine where stack.yaml has the address, or the Service does not ask for one', async () => {
    for (const made of [{ ingress: '192.0.2.1' }, { type: 'NodePort' }])
      await expect(balancing(clusterOf({ maker: 'none', ...made }))).rejects.toMatchObject({ name: 'DoesNotApply' })
  })
})
