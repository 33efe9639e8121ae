import { parse, stringify } from 'yaml'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import { maybeValue, valueOf } from '../survey/fact.ts'
import { describeOwner } from '../survey/owner.ts'
import type { MeshConfig, Ref } from '../survey/survey.ts'
import { theIstiod } from '../survey/surveyed.ts'
import type { Istio } from './istio.ts'

const CONFIG_MAP = 'v1/ConfigMap'

/** The mesh configuration that the gateway's istiod was found to use, its defaults among it. */
export const meshConfig = async (cluster: Cluster): Promise<MeshConfig> => valueOf((await theIstiod(cluster)).mesh)

/**
 * The ConfigMap in which the mesh configuration is changed.
 * @throws DoesNotApply where there is none, or somebody would put a change of ours back
 */
async function tunable(cluster: Cluster): Promise<Ref> {
  const istiod = await theIstiod(cluster)
  const map = maybeValue(istiod.meshConfigMap)
  const { namespace, name } = istiod.workload
  if (!map) {
    throw new DoesNotApply(
      `istiod ${namespace}/${name} reads its mesh configuration from no ConfigMap that could be changed.`,
    )
  }
  if (map.owner?.reverts) {
    throw new DoesNotApply(
      `ConfigMap ${map.namespace}/${map.name} with the mesh configuration is kept by ${describeOwner(map.owner)}, ` +
        'which would take back a change while the check runs; nothing was changed.',
    )
  }
  return map
}

/** The mesh configuration as it stands in its ConfigMap now. @throws StackFailure where that has no key mesh */
async function configured(cluster: Cluster, { namespace, name }: Ref): Promise<MeshConfig> {
  const { data } = await cluster.k8s.get(CONFIG_MAP, name, namespace)
  if (typeof data?.mesh !== 'string')
    throw new StackFailure(`ConfigMap ${namespace}/${name}: key mesh not found in data.`)
  return (parse(data.mesh) ?? {}) as MeshConfig
}

/**
 * Merges `change` into the mesh configuration until the running check ends; a function of what stands there where a
 * list is to grow. istiod pushes it to the proxies. The change and its undoing wait until istiod has nothing to push: a
 * push that is under way builds access logs from the old configuration, and leaves them in a cache that was just
 * cleared for the new one; the proxies then get them until the next change (istio/istio 1.31,
 * pilot/pkg/networking/core/accesslog.go, cachedMeshConfigAccessLog; seen about once in 15 changes).
 * @throws DoesNotApply where somebody would put the change back
 */
export async function tuneMesh(
  stack: Cluster & { changes: Changes; istio: Istio },
  change: MeshConfig | ((configured: MeshConfig) => MeshConfig),
): Promise<void> {
  const map = await tunable(stack)
  const before = await configured(stack, map)
  const mesh = stringify({ ...before, ...(typeof change === 'function' ? change(before) : change) })
  await stack.istio.untilQuiet()
  await stack.changes.tune(CONFIG_MAP, map.namespace, map.name, { data: { mesh } })
  stack.changes.atEnd(() => stack.istio.untilQuiet())
}
