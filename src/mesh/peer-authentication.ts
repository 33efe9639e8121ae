import { DoesNotApply } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { describeOwner, ownerOf } from '../survey/owner.ts'
import { valueOf } from '../survey/fact.ts'
import type { PeerPolicy, Workload } from '../survey/survey.ts'
import { theIstiod, type Surveyed } from '../survey/surveyed.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { servedApi } from '../cluster/served.ts'
import type { Changes } from '../cluster/changes.ts'

export type MtlsMode = 'STRICT' | 'PERMISSIVE'

/**
 * Sets the mTLS mode of a namespace until the running check ends. A policy for the whole namespace that is there
 * already is changed and restored: of several only the oldest counts.
 * @throws DoesNotApply where somebody would put the change back
 */
export async function tuneMtls(
  stack: Cluster & { changes: Changes },
  namespace: string,
  mode: MtlsMode,
): Promise<void> {
  const apiVersion = await servedApi(stack, 'security.istio.io/PeerAuthentication')
  const kind = `${apiVersion}/PeerAuthentication`
  const inForce = oldestOfAll((await stack.k8s.list(kind, { namespace })).items)
  if (!inForce) {
    const name = `plumb-${mode.toLowerCase()}-${stack.runTag}`
    const policy = { apiVersion, kind: 'PeerAuthentication' }
    await stack.changes.place({ ...policy, metadata: { name, namespace }, spec: { mtls: { mode } } }, 'shared')
    return
  }
  if (inForce.spec?.mtls?.mode === mode) return
  const owner = ownerOf(inForce)
  if (owner?.reverts) {
    throw new DoesNotApply(
      `${objectName(inForce)} is kept by ${describeOwner(owner)}, which would take back a change of its mode while ` +
        'the check runs; nothing was changed.',
    )
  }
  await stack.changes.tune(kind, namespace, inForce.metadata?.name ?? '', { spec: { mtls: { mode } } })
}

/** Of a namespace's policies the one for all of its pods: the oldest without a selector, as istiod takes it. */
export function oldestOfAll(policies: readonly KubernetesObject[]): KubernetesObject | undefined {
  const age = ({ metadata }: KubernetesObject) => `${String(metadata?.creationTimestamp)} ${metadata?.name}`
  return policies
    .filter(({ spec }) => Object.keys((spec?.selector?.matchLabels ?? {}) as object).length === 0)
    .toSorted((a, b) => age(a).localeCompare(age(b)))[0]
}

/**
 * The policy that gives some pods another mode than that of their namespace, by its selector.
 * @throws NotLookedAt where the policies could not be read
 */
export async function policyOfPods(
  cluster: Surveyed,
  { namespace, podLabels }: Pick<Workload, 'namespace' | 'podLabels'>,
): Promise<PeerPolicy | undefined> {
  const { policies } = valueOf((await cluster.survey()).mutualTls)
  return policies.find(
    (policy) => policy.namespace === namespace && policy.mode && selectedByService(policy.selector, podLabels),
  )
}

/** Sets the mTLS mode of the mesh until the running check ends. */
export async function tuneMeshMtls(stack: Cluster & { changes: Changes }, mode: MtlsMode): Promise<void> {
  await tuneMtls(stack, (await theIstiod(stack)).rootNamespace, mode)
}
