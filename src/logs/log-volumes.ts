import type { Cluster } from '../cluster/cluster.ts'
import { stackNamespaces } from '../survey/stack-namespaces.ts'

interface PodSpec {
  containers?: { volumeMounts?: { name: string; mountPath: string }[] }[]
  volumes?: { name: string; emptyDir?: { sizeLimit?: string } }[]
}

/**
 * The number of emptyDir volumes for logs (by name or by mount path) in the stack's namespaces, and a name for each of
 * them that has no sizeLimit.
 */
export async function unboundedLogVolumes(cluster: Cluster): Promise<{ volumes: number; unbounded: string[] }> {
  let volumes = 0
  const unbounded: string[] = []
  const own = stackNamespaces(await cluster.survey())
  for (const pod of await cluster.all('v1/Pod')) {
    if (!own.has(pod.metadata?.namespace ?? '')) continue
    const spec = pod.spec as PodSpec
    const mounts = (spec.containers ?? []).flatMap(({ volumeMounts = [] }) => volumeMounts)
    for (const { name, emptyDir } of spec.volumes ?? []) {
      const isForLogs =
        /\blogs?\b/.test(name) || mounts.some((mount) => mount.name === name && /\blogs?\b/.test(mount.mountPath))
      if (!emptyDir || !isForLogs) continue
      volumes++
      if (!emptyDir.sizeLimit) unbounded.push(`Pod ${pod.metadata?.namespace}/${pod.metadata?.name}, volume ${name}`)
    }
  }
  return { volumes, unbounded }
}
