import type { Cluster } from '../cluster/cluster.ts'

const NAMESPACES = ['istio-system', 'knative-serving', 'cert-manager']

interface PodSpec {
  containers?: { volumeMounts?: { name: string; mountPath: string }[] }[]
  volumes?: { name: string; emptyDir?: { sizeLimit?: string } }[]
}

/** The emptyDir volumes of the stack's own pods that hold logs, by name or by where they are mounted, and those without a bound. */
export async function unboundedLogVolumes(cluster: Cluster): Promise<{ volumes: number; unbounded: string[] }> {
  let volumes = 0
  const unbounded: string[] = []
  for (const pod of await cluster.all('v1/Pod')) {
    if (!NAMESPACES.includes(pod.metadata?.namespace ?? '')) continue
    const spec = pod.spec as PodSpec
    const mounts = (spec.containers ?? []).flatMap(({ volumeMounts = [] }) => volumeMounts)
    for (const { name, emptyDir } of spec.volumes ?? []) {
      const isForLogs =
        /\blogs?\b/.test(name) || mounts.some((each) => each.name === name && /\blogs?\b/.test(each.mountPath))
      if (!emptyDir || !isForLogs) continue
      volumes++
      if (!emptyDir.sizeLimit) unbounded.push(`${pod.metadata?.namespace}/${pod.metadata?.name}: ${name}`)
    }
  }
  return { volumes, unbounded }
}
