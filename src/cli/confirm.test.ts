import { expect, test } from 'vitest'
import { confirm } from './confirm.ts'
import { tellDownPlan } from './tell-plan.ts'

test('what is deleted is asked for, or said with --yes', async () => {
  expect(await confirm('Delete the kind cluster plumbline?', true)).toBe(true)
  await expect(confirm('Delete the kind cluster?')).rejects.toThrow(
    'Delete the kind cluster? There is no terminal to ask on: pass --yes to do it, or --plan to see it first.',
  )
})

test('the plan of a down names what goes, and what stays with the reason', () => {
  const crd = { kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition', name: 'gateways.networking.istio.io' }
  const lines = tellDownPlan({
    cluster: 'shop',
    caller: 'arn:aws:iam::1:role/ops',
    components: [
      {
        name: 'istio',
        remove: [{ kind: 'apps/v1/Deployment', namespace: 'istio-system', name: 'istiod' }],
        keep: [{ object: crd, why: 'others have made Gateway shop/web' }],
      },
    ],
    balancer: 'istio-system/istio-ingressgateway',
  })
  const text = lines.map((line) => line.replace(/ +/g, ' ').trim())
  expect(text).toEqual([
    'plan for the EKS cluster shop, as arn:aws:iam::1:role/ops',
    '',
    'AWS, by the controller',
    'delete load balancer of Service istio-system/istio-ingressgateway, with its target groups',
    'istio: 1 to delete, 1 to keep',
    'delete Deployment istio-system/istiod',
    'keep CustomResourceDefinition gateways.networking.istio.io others have made Gateway shop/web',
    '',
    '1 object to delete, and a load balancer; 1 to keep',
  ])
})
