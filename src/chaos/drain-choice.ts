import { DoesNotApply } from '../core/problem.ts'
import type { NodeFact } from '../survey/survey.ts'
import type { DrainView } from './drain-view.ts'

const ALLOW = 'Move these pods, or name them under chaos.mayEvict in stack.yaml to allow it.'

/** The nodes that a check drains, and a sentence for each pod for whose sake another that serves is left alone. */
export interface DrainChoice {
  nodes: NodeFact[]
  spared: string[]
}

/**
 * At most `most` of the nodes that serve, to be drained one after the other: one of each zone first, and in each zone
 * those with the most pods of gateways and activators.
 * @throws DoesNotApply where there is none that may be drained, with the pods
 */
export async function chooseNodes(view: DrainView, most: number): Promise<DrainChoice> {
  const serving = servingNodes(view)
  const judged = await Promise.all(serving.map(async (node) => ({ node, losses: await view.losses([node]) })))
  const open = judged.filter(({ losses }) => losses.length === 0).map(({ node }) => node)
  const spared = judged.flatMap(({ losses }) => losses)
  if (open.length === 0) throw new DoesNotApply(`No node that serves may be drained: ${listed(spared)}. ${ALLOW}`)
  const firsts = open.filter(({ zone }, at) => open.findIndex((node) => node.zone === zone) === at)
  const others = open.filter((node) => !firsts.includes(node))
  return { nodes: [...firsts, ...others].slice(0, most), spared }
}

/**
 * The nodes that serve in one zone, to be drained together: of the zone with the fewest.
 * @throws DoesNotApply where the nodes are in one zone or in none, where each zone has more than `most`, and where pods
 * would lose by it, with the pods
 */
export async function chooseZone(view: DrainView, most: number): Promise<DrainChoice & { zone: string }> {
  const serving = servingNodes(view)
  const unlabelled = serving.find(({ zone }) => zone === undefined)
  if (unlabelled)
    throw new DoesNotApply(`Node ${unlabelled.name} has no label topology.kubernetes.io/zone: its zone is not known.`)
  const zones = new Set(view.workers.map(({ zone }) => zone))
  if (zones.size < 2)
    throw new DoesNotApply(
      `All ${view.workers.length} nodes are in zone ${[...zones][0]}: pods have no other to go to.`,
    )
  const byZone = [...Map.groupBy(serving, ({ zone }) => zone!)].toSorted(([, a], [, b]) => a.length - b.length)
  const small = byZone.filter(([, nodes]) => nodes.length <= most)
  if (small.length === 0)
    throw new DoesNotApply(
      `Each zone has at least ${byZone[0]![1].length} nodes that serve, and at most ${most} may be drained: ` +
        'raise chaos.nodes in stack.yaml to allow more.',
    )
  const spared: string[] = []
  for (const [zone, nodes] of small) {
    const losses = await view.losses(nodes)
    if (losses.length === 0) return { zone, nodes, spared }
    spared.push(...losses)
  }
  throw new DoesNotApply(`No zone may be drained: ${listed(spared)}. ${ALLOW}`)
}

/** The workers with pods that serve, those with the most pods of gateways and activators first. */
function servingNodes(view: DrainView): NodeFact[] {
  const { workers } = view
  if (workers.length < 2)
    throw new DoesNotApply(
      `${workers.length} of ${view.nodes.length} nodes take pods; a drain needs at least 2, so that pods have ` +
        'another to go to.',
    )
  const serving = workers
    .map((node) => ({ node, ...view.servingOn(node) }))
    .filter(({ serves }) => serves)
    .toSorted((a, b) => b.parts - a.parts || a.node.name.localeCompare(b.node.name))
  if (serving.length === 0)
    throw new DoesNotApply('No node that can be drained has a pod of the gateway, of the activator or of a revision.')
  return serving.map(({ node }) => node)
}

/** The first five of some sentences. */
const listed = (sentences: readonly string[]): string =>
  sentences.slice(0, 5).join('; ') + (sentences.length > 5 ? `; and ${sentences.length - 5} more` : '')
