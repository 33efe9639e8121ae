import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { BUDGET } from '../src/chaos/disruption-budgets.ts'
import type { ObjectId } from '../src/kube/object-id.ts'
import { selects } from '../src/kube/selector.ts'
import { partOf } from '../src/sabotage/parts.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import type { Workload } from '../src/survey/survey.ts'
import { workloadId } from '../src/survey/workload-id.ts'
import { deny } from './denying.ts'

/** The budgets that select the pods of a workload. */
async function budgetsOf(saboteur: Saboteur, { namespace, podLabels }: Workload): Promise<ObjectId[]> {
  const { items } = await saboteur.api.list(BUDGET, { namespace })
  const own = items.filter(({ spec }) => selects(spec?.selector, { ...podLabels }))
  return own.map(({ metadata }) => ({ kind: BUDGET, namespace, name: metadata?.name ?? '' }))
}

sabotage(
  'gateway-budget-gone',
  { breaks: 'no PodDisruptionBudget selects the pods of the gateway', fails: ['chaos/pdbs'] },
  async (saboteur) => {
    const budgets = await budgetsOf(saboteur, await partOf(saboteur, 'gateway'))
    for (const { kind, namespace, name } of budgets) await saboteur.remove(kind, namespace, name)
  },
)

sabotage(
  'budget-forbids',
  { breaks: 'the PodDisruptionBudget of the activators allows no eviction', fails: ['chaos/pdbs'] },
  async (saboteur) => {
    const [budget] = await budgetsOf(saboteur, await partOf(saboteur, 'knative/activator'))
    const { kind, namespace, name } = budget!
    await saboteur.change(kind, namespace, name, { spec: { minAvailable: '80%', maxUnavailable: null } })
    const problemOf = (allowed: unknown) =>
      allowed === 0 ? undefined : `PodDisruptionBudget ${namespace}/${name}: disruptionsAllowed is ${String(allowed)}`
    await saboteur.until({ kind, namespace, name }, ([found]) => problemOf(found?.status?.disruptionsAllowed), 'scale')
  },
)

defect('budgets-ignored', { breaks: 'evictions ignore PodDisruptionBudgets', fails: ['chaos/pdb-holds'] })

defect('spread-ignored', {
  breaks: 'the scheduler ignores topologySpreadConstraints',
  fails: ['chaos/topology-spread'],
})

defect('activators-end-at-once', {
  breaks: 'an evicted activator stops serving at once',
  fails: ['chaos/drain-node', 'chaos/drain-zone'],
})

sabotage(
  'gateway-recreated',
  {
    breaks: "the gateway's Deployment has strategy Recreate: all pods end before new ones start",
    fails: ['chaos/gateway-rollout'],
  },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'gateway'))
    await saboteur.change(kind, namespace, name, { spec: { strategy: { type: 'Recreate', rollingUpdate: null } } })
  },
)

defect('broken-connections-hang', {
  breaks: 'a gateway never answers a request whose connection to the activator breaks',
  fails: ['chaos/kill-activator'],
})

defect('no-pods-without-autoscaler', {
  breaks: 'every revision is scaled to one pod when the autoscaler stops',
  fails: ['chaos/kill-autoscaler'],
})

defect('endpoints-without-istiod', {
  breaks: 'gateways learn of new endpoints while no istiod runs',
  fails: ['chaos/kill-istiod'],
})

defect('admission-fails-open', {
  breaks: 'the API server accepts requests when the webhook does not answer, whatever its failurePolicy',
  fails: ['chaos/kill-webhook'],
})

defect('images-not-exchanged', {
  breaks: 'a container keeps running with its old image after the image changed',
  fails: ['chaos/kill-queue-proxy'],
})

sabotage(
  'slow-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the host of the slow workload',
    fails: ['chaos/slow-start'],
  },
  (saboteur) => deny(saboteur, 'slow-denied', { hosts: ['slow.*'] }),
)

defect('activator-impatient', {
  breaks: 'the activator gives up on a request that has found no pod for 10 s',
  fails: ['chaos/slow-start'],
})

defect('nlb-target-stuck', {
  breaks: 'a target that joins the target group stays in state initial',
  fails: ['chaos/nlb-target-drain'],
  requires: ['nlb'],
})
