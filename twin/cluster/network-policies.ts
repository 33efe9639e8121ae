import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { selects, type LabelSelector } from '../api/selectors.ts'

const POLICIES = 'networkpolicies.networking.k8s.io'

interface Peer {
  podSelector?: LabelSelector
  namespaceSelector?: LabelSelector
  ipBlock?: { cidr: string }
}

interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports?: { port?: number | string }[]
}

type Direction = 'Ingress' | 'Egress'

/**
 * Whether the NetworkPolicies let an address speak to a port of a pod: what no policy selects is open, and of those
 * that do one must allow it. What comes from no pod is the node's own (its kubelet, the API server's proxy), and is
 * let in.
 */
export function mayConnect(objects: Objects, address: string | undefined, to: KubeObject, port: number): boolean {
  if (objects.list(POLICIES).length === 0) return true
  const from = objects.list('pods').find(({ status }) => status?.podIP === address)
  if (!from || from.metadata.uid === to.metadata.uid) return true
  return isAllowed(objects, 'Ingress', to, from, port) && isAllowed(objects, 'Egress', from, to, port)
}

function isAllowed(objects: Objects, direction: Direction, own: KubeObject, other: KubeObject, port: number): boolean {
  const policies = objects
    .list(POLICIES, own.metadata.namespace)
    .filter(({ spec }) => selects(spec?.podSelector ?? {}, own.metadata.labels))
    .filter(({ spec }) => typesOf(spec).includes(direction))
  if (policies.length === 0) return true
  return policies.some(({ spec }) =>
    ((direction === 'Ingress' ? spec.ingress : spec.egress) ?? ([] as Rule[])).some((rule: Rule) => {
      const peers = direction === 'Ingress' ? rule.from : rule.to
      const isPort = !rule.ports?.length || rule.ports.some((each) => each.port === undefined || each.port === port)
      return isPort && (!peers?.length || peers.some((peer) => isPeer(objects, peer, own, other)))
    }),
  )
}

/** Ingress unless a policy says otherwise; egress too where it has rules for it. */
const typesOf = (spec: { policyTypes?: Direction[]; egress?: Rule[] } = {}): Direction[] =>
  spec.policyTypes ?? ['Ingress', ...(spec.egress ? (['Egress'] as const) : [])]

function isPeer(objects: Objects, peer: Peer, own: KubeObject, other: KubeObject): boolean {
  if (peer.ipBlock) return peer.ipBlock.cidr === '0.0.0.0/0'
  const namespace = objects.get('namespaces', other.metadata.namespace ?? '')
  const isNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, namespace?.metadata.labels)
    : other.metadata.namespace === own.metadata.namespace
  return isNamespace && (!peer.podSelector || selects(peer.podSelector, other.metadata.labels))
}
