import { StackFailure, UsageProblem } from '../core/problem.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { findNlb } from '../cloud/nlb.ts'
import { leftOf, partsOf, type NlbParts } from '../cloud/nlb-gone.ts'
import { associate, associationsOf, dissociate } from '../cloud/pod-identity.ts'
import { certManager } from '../install/cert-manager.ts'
import { installAll, type Component, type InstallContext } from '../install/component.ts'
import { istio } from '../install/istio.ts'
import { knativeServing, netIstio } from '../install/knative.ts'
import { CONTROLLER, lbController, uninstallController } from '../install/lb-controller.ts'
import type { idOf } from '../install/made-record.ts'
import { forgetMade, readMade, writeMade, type MadeRecord } from '../install/made-record.ts'
import { planComponents, type PlannedComponent } from '../install/plan.ts'
import { takeDown } from '../install/take-down.ts'
import { workload } from '../install/workload.ts'
import { eventually } from '../core/eventually.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { reachEks, type EksReached } from './eks.ts'
import { needPrograms } from '../core/programs.ts'

const COMPONENTS: Component[] = [lbController, certManager, istio, knativeServing, netIstio, workload]
const ACCOUNT = { namespace: CONTROLLER.namespace, account: CONTROLLER.name }

/** What an `up` on an EKS cluster would do. */
export interface EksPlan {
  cluster: string
  caller: string
  components: PlannedComponent[]
  /** The role that the load balancer's controller is to get, where it is given one now. */
  association?: string
  /** The gateway's Service is made, and with it a load balancer. */
  balancer: boolean
}

/** Says what an `up` would change and how that is undone, and changes nothing. */
export const eksPlan = (config: StackConfig, signal: AbortSignal): Promise<EksPlan> =>
  onCluster(
    config,
    signal,
    () => undefined,
    async (reached, context) => plan(reached, context, await readMade(context.api)),
  )

/**
 * Brings the stack up on an EKS cluster that is there. What is there already and not by an earlier `up` stays as it is;
 * what is made is in a record in the cluster first; the controller's association says by its own tag that it is ours.
 */
export async function eksUp(
  config: StackConfig,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<StackConfig> {
  return onCluster(config, signal, tell, async (reached, context) => {
    const made = await readMade(context.api)
    const planned = await plan(reached, context, made)
    for (const { name } of planned.components.filter(({ stays }) => stays))
      tell(`${name}: it is there, and not by plumbline; it stays as it is`)
    if (planned.association) {
      tell(`giving ${ACCOUNT.namespace}/${ACCOUNT.account} the role ${planned.association} by Pod Identity`)
      await associate(reached.aws, reached.cluster.name, ACCOUNT, planned.association)
    }
    const ours = planned.components.filter(({ stays }) => !stays)
    for (const { name: component, create } of ours) {
      const known = made.components.find((each) => each.component === component)
      if (known) known.objects.push(...create.filter((id) => !known.objects.some((each) => sameObject(each, id))))
      else made.components.push({ component, objects: create })
    }
    await writeMade(context.api, made)
    await installAll(
      COMPONENTS.filter(({ name }) => ours.some((each) => each.name === name)),
      context,
    )
    return reached.config
  })
}

const sameObject = (one: ReturnType<typeof idOf>, other: ReturnType<typeof idOf>): boolean =>
  one.kind === other.kind && one.name === other.name && one.namespace === other.namespace

/**
 * Takes down what an `up` made, the load balancer and its target groups included, and waits until all of it is gone.
 * Gives whether there was any.
 */
export async function eksDown(
  config: StackConfig,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  return onCluster(config, signal, tell, async (reached, context) => {
    const made = await readMade(context.api)
    const of = (component: Component) => made.components.find((each) => each.component === component.name)
    const [association] = (await associationsOf(reached.aws, reached.cluster.name, ACCOUNT)).filter(({ ours }) => ours)
    if (made.components.length === 0 && !association) return false
    for (const component of COMPONENTS.toReversed()) {
      const record = of(component)
      if (!record) continue
      tell(`${component.name}: taking down ${record.objects.length} objects`)
      // The controller must still be there when the load balancer goes.
      if (component === istio) await balancerGone(reached, context, tell)
      if (component === lbController) await uninstallController(context)
      await takeDown(record.objects, context)
      made.components = made.components.filter((each) => each !== record)
      await writeMade(context.api, made)
    }
    if (association) {
      tell('lb-controller: taking away its Pod Identity association')
      await dissociate(reached.aws, reached.cluster.name, association.id)
    }
    await forgetMade(context.api)
    return true
  })
}

/** Deletes the gateway's Service and waits until AWS has nothing left of its load balancer. */
async function balancerGone(
  { aws }: EksReached,
  { api, config }: InstallContext,
  tell: (what: string) => void,
): Promise<void> {
  const { namespace, service: name } = config.gateway
  const service = await api.find('v1/Service', name, namespace)
  if (!service) return
  const hostname = (service.status?.loadBalancer?.ingress?.[0] as { hostname?: string } | undefined)?.hostname
  let parts: NlbParts | undefined
  if (hostname) {
    try {
      parts = await partsOf(aws, (await findNlb(aws, hostname, `${namespace}/${name}`)).arn)
    } catch (problem) {
      if (!(problem instanceof StackFailure)) throw problem
      tell(problem.message)
    }
  }
  await api.delete({ kind: 'v1/Service', name, namespace })
  if (!parts) return
  const { arn, targetGroups } = parts
  tell(`istio: waiting until AWS has deleted the load balancer and its ${targetGroups.length} target groups`)
  await eventually(`the end of the load balancer ${arn}`, () => leftOf(aws, { arn, targetGroups }), 'nlbGone')
}

/** Reaches the cluster, and does something with what an installation needs of it. */
async function onCluster<T>(
  config: StackConfig,
  signal: AbortSignal,
  tell: (what: string) => void,
  work: (reached: EksReached, context: InstallContext) => Promise<T>,
): Promise<T> {
  await needPrograms('helm', 'istioctl')
  const reached = await reachEks(config)
  const kubeConfig = loadKubeConfig(reached.config.kubeconfig, reached.config.context)
  try {
    const api = new Kubernetes(kubeConfig)
    await api.json('/api')
    const eks = { ...reached.cluster, region: reached.aws.place.region }
    return await work(reached, {
      api,
      config: reached.config,
      context: kubeConfig.getCurrentContext(),
      eks,
      tell,
      signal,
    })
  } finally {
    await kubeConfig.close()
    reached.aws.close()
  }
}

async function plan(reached: EksReached, context: InstallContext, made: MadeRecord): Promise<EksPlan> {
  const components = await planComponents(COMPONENTS, context, made)
  const controller = components.find(({ name }) => name === 'lb-controller')
  const association = controller?.stays ? undefined : await roleToGive(reached, context.config)
  const { namespace, service } = context.config.gateway
  return {
    cluster: reached.cluster.name,
    caller: reached.caller,
    components,
    ...(association ? { association } : {}),
    balancer: components.some(({ create }) =>
      create.some(({ kind, name, namespace: at }) => kind === 'v1/Service' && name === service && at === namespace),
    ),
  }
}

/**
 * The role that the controller gets by Pod Identity; none where it has one, or gets it by IRSA.
 * @throws UsageProblem where it has none and none is named
 */
async function roleToGive({ aws, cluster }: EksReached, config: StackConfig): Promise<string | undefined> {
  const { role, identity } = config.aws.controller
  if (identity === 'irsa' && role) return undefined
  const [there] = await associationsOf(aws, cluster.name, ACCOUNT)
  if (there) return undefined
  if (role) return role
  throw new UsageProblem(
    [
      'The load balancer controller has no IAM role.',
      'Name one in stack.yaml (aws.controller.role),',
      `or give ServiceAccount ${ACCOUNT.namespace}/${ACCOUNT.account} a role by Pod Identity.`,
      "The policy that it needs is docs/install/iam_policy.json of the controller's release.",
    ].join(' '),
  )
}
