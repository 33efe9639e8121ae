import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { denying } from './denying.ts'

const GATEWAY = ['istio-system', 'istio-ingressgateway'] as const

sabotage(
  'gateway-budget-gone',
  { breaks: 'no PodDisruptionBudget selects the pods of the gateway', fails: ['chaos/pdbs'] },
  (saboteur) => saboteur.remove('policy/v1/PodDisruptionBudget', ...GATEWAY),
)

sabotage(
  'budget-forbids',
  { breaks: 'the PodDisruptionBudget of the activators allows no eviction', fails: ['chaos/pdbs'] },
  async (saboteur) => {
    const [kind, namespace, name] = ['policy/v1/PodDisruptionBudget', 'knative-serving', 'activator-pdb']
    await saboteur.change(kind, namespace, name, { spec: { minAvailable: '80%' } })
    const problemOf = (allowed: unknown) =>
      allowed === 0 ? undefined : `PodDisruptionBudget ${namespace}/${name}: disruptionsAllowed is ${String(allowed)}`
    await saboteur.until(
      { kind, namespace, name },
      ([budget]) => problemOf(budget?.status?.disruptionsAllowed),
      'scale',
    )
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
  (saboteur) =>
    saboteur.change('apps/v1/Deployment', ...GATEWAY, {
      spec: { strategy: { type: 'Recreate', rollingUpdate: null } },
    }),
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
  (saboteur) => saboteur.make(denying('slow-denied', { hosts: ['slow.*'] })),
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
