import type { KubernetesObject } from '../core/object.ts'
import { meshConfig } from './mesh-config.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'

const KIND = 'security.istio.io/v1beta1/PeerAuthentication'

export type MtlsMode = 'STRICT' | 'PERMISSIVE'

/** A PeerAuthentication for a whole namespace; in the root namespace it is the mesh's default. */
const policy = (name: string, namespace: string, mode: MtlsMode): KubernetesObject => ({
  apiVersion: 'security.istio.io/v1beta1',
  kind: 'PeerAuthentication',
  metadata: { name, namespace },
  spec: { mtls: { mode } },
})

/**
 * Sets how pods of a namespace take connections, for the time of the running check. A policy that is there for all of it is changed and
 * put back: of two only the older one counts.
 */
export async function tuneMtls(
  stack: Cluster & { changes: Changes },
  namespace: string,
  mode: MtlsMode,
): Promise<void> {
  const { items } = await stack.k8s.list(KIND, { namespace })
  const there = items.find(({ spec }) => !spec?.selector?.matchLabels)
  if (there) await stack.changes.tune(KIND, namespace, there.metadata?.name ?? '', { spec: { mtls: { mode } } })
  else await stack.changes.place(policy(`plumb-${mode.toLowerCase()}-${stack.runTag}`, namespace, mode), 'shared')
}

/** The same for the whole mesh. */
export async function tuneMeshMtls(stack: Cluster & { changes: Changes }, mode: MtlsMode): Promise<void> {
  const { rootNamespace = 'istio-system' } = await meshConfig(stack)
  await tuneMtls(stack, rootNamespace, mode)
}
