import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { denying } from './denying.ts'

const GATEWAY = ['istio-system', 'istio-ingressgateway'] as const

sabotage('gateway-budget-gone', { breaks: 'no budget covers the gateway', fails: ['chaos/pdbs'] }, (saboteur) =>
  saboteur.remove('policy/v1/PodDisruptionBudget', ...GATEWAY),
)

sabotage(
  'budget-forbids',
  { breaks: "the activators' budget never allows one to go", fails: ['chaos/pdbs'] },
  async (saboteur) => {
    const [kind, namespace, name] = ['policy/v1/PodDisruptionBudget', 'knative-serving', 'activator-pdb']
    await saboteur.change(kind, namespace, name, { spec: { minAvailable: '80%' } })
    const forbids = (allowed: unknown) => (allowed === 0 ? undefined : `it allows ${String(allowed)}`)
    await saboteur.until({ kind, namespace, name }, ([found]) => forbids(found?.status?.disruptionsAllowed), 'scale')
  },
)

defect('budgets-ignored', { breaks: 'evictions ask no budget', fails: ['chaos/pdb-holds'] })

sabotage('zone-tainted', { breaks: 'a zone takes no pods', fails: ['chaos/topology-spread'] }, async (saboteur) => {
  const { items } = await saboteur.api.list('v1/Node', { labels: 'topology.kubernetes.io/zone' })
  const name =
    items
      .map(({ metadata }) => metadata?.name ?? '')
      .toSorted()
      .at(-1) ?? ''
  await saboteur.change('v1/Node', undefined, name, {
    spec: { taints: [{ key: 'plumbline.dev/sabotage', value: 'yes', effect: 'NoSchedule' }] },
  })
})

sabotage(
  'pod-of-nobody',
  {
    breaks: 'a pod that nobody would make again runs on a node that serves',
    fails: ['chaos/drain-node', 'chaos/drain-zone'],
  },
  async (saboteur) => {
    const { items } = await saboteur.api.list('v1/Node', { labels: 'topology.kubernetes.io/zone' })
    const [node] = items.map(({ metadata }) => metadata?.name ?? '').toSorted()
    const { spec } = await saboteur.api.get('apps/v1/Deployment', 'controller', 'metallb-system')
    await saboteur.make({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'nobodys', namespace: 'default' },
      spec: {
        nodeName: node,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'alone', image: spec.template.spec.containers[0].image as string }],
      },
    })
  },
)

defect('activators-end-at-once', {
  breaks: 'an activator that is evicted serves nobody any more from that moment',
  fails: ['chaos/drain-node'],
})

sabotage(
  'gateway-recreated',
  { breaks: 'the gateway ends all of its pods before it makes others', fails: ['chaos/gateway-rollout'] },
  (saboteur) =>
    saboteur.change('apps/v1/Deployment', ...GATEWAY, {
      spec: { strategy: { type: 'Recreate', rollingUpdate: null } },
    }),
)

defect('broken-connections-hang', {
  breaks: 'a gateway whose connection to an activator breaks never answers',
  fails: ['chaos/kill-activator'],
})

defect('no-pods-without-autoscaler', {
  breaks: 'revisions go down to one pod when the autoscaler is gone',
  fails: ['chaos/kill-autoscaler'],
})

defect('endpoints-without-istiod', {
  breaks: 'gateways learn of endpoints without istiod',
  fails: ['chaos/kill-istiod'],
})

defect('admission-fails-open', {
  breaks: 'the API server takes what no webhook answers for, whatever its failurePolicy',
  fails: ['chaos/kill-webhook'],
})

defect('images-not-exchanged', {
  breaks: 'a container whose image was changed runs on',
  fails: ['chaos/kill-queue-proxy'],
})

sabotage(
  'slow-denied',
  { breaks: 'a policy of the gateway denies the host of the slow workload', fails: ['chaos/slow-start'] },
  (saboteur) => saboteur.make(denying('slow-denied', { hosts: ['slow.*'] })),
)

defect('activator-impatient', {
  breaks: 'the activator gives a request up that finds no pod for ten seconds',
  fails: ['chaos/slow-start'],
})

defect('nlb-target-stuck', {
  breaks: 'a target that joins stays initial',
  fails: ['chaos/nlb-target-drain'],
  requires: ['nlb'],
})
