import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Stack } from '../stack/stack.ts'
import { nodeFact } from '../survey/nodes.ts'
import { isOfStack, stackNamespaces } from '../survey/stack-namespaces.ts'
import type { NodeFact, Workload } from '../survey/survey.ts'
import { externalGateways, theKnative } from '../survey/surveyed.ts'
import { takes, type PlacedPod } from '../survey/takes.ts'
import { BUDGET, budgetsOver, neverAllows } from './disruption-budgets.ts'
import { isAllowed, isEvictable, lossOf } from './evictable.ts'
import { PodOwners } from './pod-owners.ts'

const CONTROL_PLANE = /^node-role\.kubernetes\.io\/(control-plane|master)$/

/** What a cluster's nodes hold now, to judge what a drain of some of them would do. */
export class DrainView {
  readonly nodes: readonly NodeFact[]
  readonly owners: PodOwners
  readonly #pods: readonly KubernetesObject[]
  readonly #budgets: readonly KubernetesObject[]
  readonly #ownNamespaces: ReadonlySet<string>
  readonly #mayEvict: readonly string[]
  readonly #serving: readonly Workload[]

  private constructor(
    nodes: readonly NodeFact[],
    pods: readonly KubernetesObject[],
    budgets: readonly KubernetesObject[],
    { owners, ownNamespaces, mayEvict, serving }: Judging,
  ) {
    this.nodes = nodes
    this.owners = owners
    this.#pods = pods.filter(isEvictable)
    this.#budgets = budgets
    this.#ownNamespaces = ownNamespaces
    this.#mayEvict = mayEvict
    this.#serving = serving
  }

  /** Reads nodes, pods and budgets as they are now; what serves is as the survey found it. */
  static async read(stack: Stack): Promise<DrainView> {
    const [nodes, pods, budgets, clock] = await Promise.all([
      stack.k8s.list('v1/Node'),
      stack.k8s.list('v1/Pod'),
      stack.k8s.list(BUDGET),
      stack.k8s.clock(),
    ])
    const gateways = await externalGateways(stack)
    const { activator } = (await theKnative(stack)).components
    return new DrainView(
      nodes.items.map((node) => nodeFact(node, clock.getTime())),
      pods.items,
      budgets.items,
      {
        owners: new PodOwners(stack.k8s),
        ownNamespaces: stackNamespaces(await stack.survey()),
        mayEvict: stack.config.chaos.mayEvict,
        serving: [...gateways.flatMap(({ workloads }) => workloads), ...(activator ? [activator] : [])],
      },
    )
  }

  /** The nodes that take pods now; those of control planes, virtual ones and those of a single pod are none. */
  get workers(): NodeFact[] {
    return this.nodes.filter(
      ({ state, life, taints }) =>
        state === 'ready' &&
        life !== 'virtual' &&
        life !== 'fargate' &&
        !taints.some(({ key }) => CONTROL_PLANE.test(key)),
    )
  }

  /** The pods that a drain of these nodes evicts. */
  leaving(nodes: readonly NodeFact[]): KubernetesObject[] {
    const names = nodes.map(({ name }) => name)
    return this.#pods.filter(({ spec }) => names.includes(spec?.nodeName as string))
  }

  /** How many evictable pods of gateways and activators a node has, and whether it has one of a revision. */
  servingOn(node: NodeFact): { parts: number; serves: boolean } {
    const pods = this.leaving([node])
    const parts = pods.filter((pod) => this.#serving.some((workload) => isPodOf(pod, workload))).length
    const revisions = pods.some(({ metadata }) => metadata?.labels?.['serving.knative.dev/revision'] !== undefined)
    return { parts, serves: parts > 0 || revisions }
  }

  /** Whether a pod is the stack's or ours: it holds no data, and its budget is ours to judge. */
  isOwn(pod: KubernetesObject): boolean {
    return isOfStack(this.#ownNamespaces, pod) || Boolean(pod.metadata?.namespace?.startsWith('plumb-'))
  }

  /** A sentence for each budget of these pods that never allows a disruption, with the pod. */
  forbidden(pods: readonly KubernetesObject[]): { pod: KubernetesObject; why: string }[] {
    return pods.flatMap((pod) => {
      const { namespace, labels = {} } = pod.metadata ?? {}
      const [why] = budgetsOver(this.#budgets, { namespace, labels }).flatMap((budget) => neverAllows(budget) ?? [])
      return why === undefined ? [] : [{ pod, why }]
    })
  }

  /** Why these nodes must not be drained together: a sentence for each pod that would lose by it. */
  async losses(nodes: readonly NodeFact[]): Promise<string[]> {
    const elsewhere = this.nodes.filter((node) => !nodes.includes(node))
    const pods = this.leaving(nodes)
    const sentences = await Promise.all(
      pods.map(async (pod) => {
        const owner = await this.owners.of(pod)
        const named = `${objectName(pod)} on node ${pod.spec?.nodeName}`
        const loss = lossOf(pod, owner, this.isOwn(pod))
        if (loss && !isAllowed(pod, owner, this.#mayEvict)) return `${named} ${loss}`
        const isHomeless = !elsewhere.some((node) => takes(node, (pod.spec ?? {}) as PlacedPod))
        return isHomeless ? `${named} can run on no other node` : undefined
      }),
    )
    const budgets = this.forbidden(pods.filter((pod) => !this.isOwn(pod))).map(
      ({ pod, why }) => `${objectName(pod)} on node ${pod.spec?.nodeName} cannot be evicted: ${why}`,
    )
    return [...sentences.filter((sentence) => sentence !== undefined), ...budgets]
  }
}

interface Judging {
  owners: PodOwners
  ownNamespaces: ReadonlySet<string>
  mayEvict: readonly string[]
  serving: readonly Workload[]
}

const isPodOf = ({ metadata }: KubernetesObject, { namespace, selector }: Workload): boolean =>
  metadata?.namespace === namespace && selectedByService(selector, metadata?.labels ?? {})
