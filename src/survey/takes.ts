import type { NodeFact } from './survey.ts'

/** What of a pod's spec decides on which nodes it may run. */
export interface PlacedPod {
  nodeSelector?: Record<string, string>
  tolerations?: { key?: string; operator?: string; value?: string; effect?: string }[]
  affinity?: { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: Term[] } } }
}

interface Term {
  matchExpressions?: Expression[]
  matchFields?: Expression[]
}

interface Expression {
  key: string
  operator: string
  values?: string[]
}

const OS = 'kubernetes.io/os'

/**
 * Whether a node takes a pod now: it is ready, of the pod's operating system (Linux where the pod names none), without
 * a taint that the pod does not tolerate, and selected by its nodeSelector and required node affinity. Room on it is
 * another matter.
 */
export function takes(node: NodeFact, pod: PlacedPod): boolean {
  const labels: Record<string, string> = { ...node.labels, [OS]: node.os }
  const wanted = { [OS]: 'linux', ...pod.nodeSelector }
  const terms = pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return (
    node.state === 'ready' &&
    node.taints.every((taint) => taint.effect === 'PreferNoSchedule' || tolerates(pod, taint)) &&
    Object.entries(wanted).every(([key, value]) => labels[key] === value) &&
    (!terms || terms.some((term) => selectsNode(term, labels, node.name)))
  )
}

/** The zones of the nodes that take a pod, sorted; nodes without a zone's label add none. */
export const zonesFor = (nodes: readonly NodeFact[], pod: PlacedPod): string[] =>
  [
    ...new Set(
      nodes
        .filter((node) => takes(node, pod))
        .map(({ zone }) => zone)
        .filter((zone) => zone !== undefined),
    ),
  ].toSorted()

const tolerates = ({ tolerations = [] }: PlacedPod, taint: NodeFact['taints'][number]): boolean =>
  tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (!effect || effect === taint.effect) &&
      (key ? key === taint.key : operator === 'Exists') &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  )

/** A term without expressions selects no node. */
function selectsNode(term: Term, labels: Record<string, string>, name: string): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((expression) => holds(expression, labels[expression.key])) &&
    matchFields.every((expression) => holds(expression, expression.key === 'metadata.name' ? name : undefined))
  )
}

function holds({ operator, values = [] }: Expression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return Number(value) > Number(values[0])
    case 'Lt':
      return Number(value) < Number(values[0])
    default:
      return false
  }
}
