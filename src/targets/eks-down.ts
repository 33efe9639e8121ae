import { findNlb } from '../cloud/nlb.ts'
import { GATEWAY } from '../install/istio.ts'
import { leftOf, partsOf, type NlbParts } from '../cloud/nlb-gone.ts'
import { associationsOf, dissociate } from '../cloud/pod-identity.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { eventually } from '../core/eventually.ts'
import { StackFailure } from '../core/problem.ts'
import type { ComponentName, InstallContext } from '../install/component.ts'
import { lbController, uninstallController } from '../install/lb-controller.ts'
import { forgetMade, readMade, writeMade, type MadeRecord } from '../install/made-record.ts'
import { planKept, takeDown, type Kept } from '../install/take-down.ts'
import type { ObjectId } from '../kube/object-id.ts'
import type { EksReached } from './eks.ts'
import { ACCOUNT, COMPONENTS, onCluster } from './on-eks.ts'
import { counted } from '../core/counted.ts'

/** What a `down` of an EKS cluster would do. */
export interface EksDownPlan {
  cluster: string
  caller: string
  components: { name: ComponentName; remove: ObjectId[]; keep: Kept[] }[]
  /** The id of the Pod Identity association that would be taken away. */
  association?: string
  /** The gateway's Service, NAMESPACE/NAME, whose load balancer would go with it. */
  balancer?: string
}

/** Says what a `down` would delete and what it would leave, and changes nothing. */
export const eksDownPlan = (config: StackConfig, signal: AbortSignal): Promise<EksDownPlan> =>
  onCluster(config, signal, () => undefined, planDown)

async function planDown(reached: EksReached, context: InstallContext): Promise<EksDownPlan> {
  const made = await readMade(context.api)
  const recorded = allOf(made)
  const components = []
  for (const { name, objects } of inOrder(made)) {
    const keep = await planKept(objects, recorded, context)
    components.push({ name, remove: objects.filter((id) => !keep.some(({ object }) => object === id)), keep })
  }
  const association = await ownAssociation(reached)
  const balancer = gatewayOf(recorded)
  return {
    cluster: reached.cluster.name,
    caller: reached.caller,
    components,
    ...(association ? { association } : {}),
    ...(balancer ? { balancer: `${balancer.namespace}/${balancer.name}` } : {}),
  }
}

/**
 * Takes down what an `up` made, the load balancer and its target groups included, and waits until all of it is gone.
 * What others depend on stays, and stays in the record: gives it, or undefined where an `up` made nothing.
 */
export async function eksDown(
  config: StackConfig,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<Kept[] | undefined> {
  return onCluster(config, signal, tell, async (reached, context) => {
    const made = await readMade(context.api)
    const association = await ownAssociation(reached)
    if (made.components.length === 0 && !association) return undefined
    const recorded = allOf(made)
    const kept: Kept[] = []
    for (const { name, objects } of inOrder(made)) {
      tell(`${name}: taking down ${counted(objects.length, 'object')}`)
      // The controller must still be there when the load balancer goes.
      const gateway = gatewayOf(objects)
      if (gateway) await balancerGone(reached, gateway, context, tell)
      if (name === lbController.name) await uninstallController(context)
      const staying = await takeDown(objects, recorded, context)
      kept.push(...staying)
      made.components = made.components.flatMap((each) =>
        each.component !== name ? [each] : staying.length ? [{ ...each, objects: staying.map(objectOf) }] : [],
      )
      await writeMade(context.api, made)
    }
    if (association) {
      tell('lb-controller: taking away its Pod Identity association')
      await dissociate(reached.aws, reached.cluster.name, association)
    }
    if (kept.length === 0) await forgetMade(context.api)
    return kept
  })
}

const objectOf = ({ object }: Kept): ObjectId => object
const allOf = (made: MadeRecord): ObjectId[] => made.components.flatMap(({ objects }) => objects)

/** The components of a record, the last installed first. */
const inOrder = (made: MadeRecord): { name: ComponentName; objects: ObjectId[] }[] =>
  COMPONENTS.toReversed().flatMap(({ name }) => {
    const record = made.components.find(({ component }) => component === name)
    return record ? [{ name, objects: record.objects }] : []
  })

/** The id of the association that an `up` made, by its own tag. */
const ownAssociation = async ({ aws, cluster }: EksReached): Promise<string | undefined> =>
  (await associationsOf(aws, cluster.name, ACCOUNT)).find(({ ours }) => ours)?.id

/** The gateway's Service among what plumbline made. */
const gatewayOf = (recorded: readonly ObjectId[]): ObjectId | undefined =>
  recorded.find(
    ({ kind, name, namespace }) => kind === 'v1/Service' && name === GATEWAY.name && namespace === GATEWAY.namespace,
  )

/** Deletes the gateway's Service and waits until AWS has nothing left of its load balancer. */
async function balancerGone(
  { aws }: EksReached,
  { namespace, name }: ObjectId,
  { api }: InstallContext,
  tell: (what: string) => void,
): Promise<void> {
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
  tell(`istio: waiting until AWS has deleted the load balancer and its ${counted(targetGroups.length, 'target group')}`)
  await eventually(`the end of the load balancer ${arn}`, () => leftOf(aws, { arn, targetGroups }), 'nlbGone')
}
