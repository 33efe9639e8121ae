import type { KubernetesObject } from '../core/object.ts'
import { meshConfig } from './mesh-config.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'

const KIND = 'security.istio.io/v1beta1/PeerAuthentication'

export type MtlsMode = 'STRICT' | 'PERMISSIVE'

/** A PeerAuthentication for a namespace; in the root namespace it is the default of the mesh. */
const peerAuthentication = (name: string, namespace: string, mode: MtlsMode): KubernetesObject => ({
  apiVersion: 'security.istio.io/v1beta1',
  kind: 'PeerAuthentication',
  metadata: { name, namespace },
  spec: { mtls: { mode } },
})

/**
 * Sets the mTLS mode of a namespace until the running check ends. An existing policy for the namespace is changed and
 * restored: of two policies only the older one counts.
 */
export async function tuneMtls(
  stack: Cluster & { changes: Changes },
  namespace: string,
  mode: MtlsMode,
): Promise<void> {
  const { items } = await stack.k8s.list(KIND, { namespace })
  const existing = items.find(({ spec }) => !spec?.selector?.matchLabels)
  if (existing) await stack.changes.tune(KIND, namespace, existing.metadata?.name ?? '', { spec: { mtls: { mode } } })
  else {
    const name = `plumb-${mode.toLowerCase()}-${stack.runTag}`
    await stack.changes.place(peerAuthentication(name, namespace, mode), 'shared')
  }
}

/** Sets the mTLS mode of the mesh until the running check ends. */
export async function tuneMeshMtls(stack: Cluster & { changes: Changes }, mode: MtlsMode): Promise<void> {
  const { rootNamespace = 'istio-system' } = await meshConfig(stack)
  await tuneMtls(stack, rootNamespace, mode)
}
