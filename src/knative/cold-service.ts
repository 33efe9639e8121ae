import { workloadNamespace } from '../cluster/workload.ts'
import { Autoscaler } from './autoscaler.ts'
import type { ReadyService } from './knative.ts'
import { injectionLabels } from '../mesh/mesh-pods.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Istio } from '../mesh/istio.ts'
import type { Knative } from './knative.ts'
import { tuneSetting } from './tune-setting.ts'

/**
 * Creates a Service that never had a pod, with initial-scale 0: config-autoscaler's allow-zero-initial-scale is true
 * until the running check ends. That saves the half minute that scaling a Service to zero takes.
 */
export async function coldService(
  stack: Cluster & { changes: Changes; istio: Istio; knative: Knative },
  name: string,
  { inMesh = false, env = {} }: { inMesh?: boolean; env?: Record<string, string> } = {},
): Promise<ReadyService> {
  await tuneSetting(stack, 'config-autoscaler', { 'allow-zero-initial-scale': 'true' })
  const namespace = await workloadNamespace(stack, name, inMesh ? await injectionLabels(stack) : {})
  const options = { scaling: { 'initial-scale': '0' }, env }
  await stack.knative.untilAccepted(stack.knative.manifest(namespace, name, options))
  const service = await stack.knative.service(namespace, name, options)
  await new Autoscaler(stack, service).untilPods(0)
  return service
}
