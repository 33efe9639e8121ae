import { UsageProblem } from '../core/problem.ts'
import { GATEWAY } from '../install/istio.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { associate, associationsOf } from '../cloud/pod-identity.ts'
import { installAll, type InstallContext } from '../install/component.ts'
import { readMade, writeMade, type idOf, type MadeRecord } from '../install/made-record.ts'
import { planComponents, type PlannedComponent } from '../install/plan.ts'
import type { EksReached } from './eks.ts'
import { ACCOUNT, COMPONENTS, onCluster } from './on-eks.ts'

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

async function plan(reached: EksReached, context: InstallContext, made: MadeRecord): Promise<EksPlan> {
  const components = await planComponents(COMPONENTS, context, made)
  const controller = components.find(({ name }) => name === 'lb-controller')
  const association = controller?.stays ? undefined : await roleToGive(reached, context.config)
  return {
    cluster: reached.cluster.name,
    caller: reached.caller,
    components,
    ...(association ? { association } : {}),
    balancer: components.some(({ create }) =>
      create.some(
        ({ kind, name, namespace: at }) => kind === 'v1/Service' && name === GATEWAY.name && at === GATEWAY.namespace,
      ),
    ),
  }
}

/**
 * The role that the controller gets by Pod Identity; none where it has one, or gets it by IRSA.
 * @throws UsageProblem where it has none and none is named
 */
async function roleToGive({ aws, cluster }: EksReached, config: StackConfig): Promise<string | undefined> {
  const { role, identity } = config.bring.controller
  if (identity === 'irsa' && role) return undefined
  const [there] = await associationsOf(aws, cluster.name, ACCOUNT)
  if (there) return undefined
  if (role) return role
  throw new UsageProblem(
    [
      'The load balancer controller has no IAM role.',
      'Name one in stack.yaml (bring.controller.role),',
      `or give ServiceAccount ${ACCOUNT.namespace}/${ACCOUNT.account} a role by Pod Identity.`,
      "The policy that it needs is docs/install/iam_policy.json of the controller's release.",
    ].join(' '),
  )
}
