import { readFixture } from '../kube/manifest.ts'
import type { Cluster } from './cluster.ts'

/** Makes a namespace for the running check with the workload's program in it, and gives its name. */
export async function workloadNamespace(
  cluster: Cluster,
  name: string,
  labels: Record<string, string> = {},
): Promise<string> {
  const namespace = await cluster.namespace(name, labels)
  await cluster.applyFixture('app/configmap.yaml', {
    namespace,
    program: JSON.stringify(readFixture('app/server.mjs')),
  })
  return namespace
}
