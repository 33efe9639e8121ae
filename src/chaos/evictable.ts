import type { KubernetesObject } from '../core/object.ts'
import { nameOfId, type ObjectId } from '../kube/object-id.ts'
import { INSTRUMENT_LABEL } from '../traffic/agent-protocol.ts'
import { isWorkload } from './pod-owners.ts'

/**
 * Whether a drain evicts a pod: not those of DaemonSets and static pods, not completed ones, not our own bare pods, and
 * not the agent and the load generators, which measure the drain.
 */
export function isEvictable({ metadata, status }: KubernetesObject): boolean {
  if (metadata?.deletionTimestamp || status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  if (metadata?.labels?.[INSTRUMENT_LABEL]) return false
  const owners = metadata?.ownerReferences ?? []
  if (owners.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node')) return false
  return owners.length > 0 || !metadata?.namespace?.startsWith('plumb-')
}

/** Containers that Istio and Knative put into pods of others; what they write to an emptyDir is no data. */
const SIDECARS = ['istio-proxy', 'istio-init', 'istio-validation', 'queue-proxy']

/** The emptyDir volumes that containers of the pod's own write to: an eviction deletes what is in them. */
function dataVolumes({ spec }: KubernetesObject): string[] {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])] as KubernetesObject[]
  const mounted = containers
    .filter(({ name }) => !SIDECARS.includes(name as string))
    .flatMap(({ volumeMounts }) => (volumeMounts ?? []) as { name: string }[])
    .map(({ name }) => name)
  return ((spec?.volumes ?? []) as { name: string; emptyDir?: object }[])
    .filter(({ name, emptyDir }) => emptyDir && mounted.includes(name))
    .map(({ name }) => name)
}

/**
 * What an eviction of a pod would cost that nothing brings back, as the end of a sentence; undefined where another pod
 * takes its place. `isOfStack`: it is a pod of the stack or of ours, whose emptyDirs hold no data.
 */
export function lossOf(pod: KubernetesObject, owner: ObjectId | undefined, isOfStack: boolean): string | undefined {
  if (!owner) return 'has no controller: nothing would create it again'
  if (owner.kind.endsWith('/StatefulSet')) return `belongs to ${nameOfId(owner)}, which may hold state`
  if (owner.kind.endsWith('/Job')) return `belongs to ${nameOfId(owner)}, whose work would be lost`
  if (!isWorkload(owner)) return `belongs to ${nameOfId(owner)}, a kind that Plumbline does not know`
  const [volume] = isOfStack ? [] : dataVolumes(pod)
  return volume === undefined ? undefined : `has data in emptyDir volume ${volume}, which an eviction deletes`
}

/** Whether chaos.mayEvict names a pod or its owner: 'shop/db', or 'shop/*' for all of a namespace. */
export function isAllowed(
  { metadata }: KubernetesObject,
  owner: ObjectId | undefined,
  mayEvict: readonly string[],
): boolean {
  const names = [metadata?.name, owner?.name, '*'].map((name) => `${metadata?.namespace}/${name}`)
  return mayEvict.some((allowed) => names.includes(allowed))
}
