import type { Cluster } from '../cluster/cluster.ts'
import type { Knative } from '../knative/knative.ts'
import type { Istio } from '../mesh/istio.ts'
import { versionOf } from '../tls/cert-manager.ts'

/** The versions of the components that are installed and whose supported Kubernetes is known. */
export async function componentVersions(
  stack: Cluster & { istio: Istio; knative: Knative },
): Promise<Partial<Record<'knative' | 'istio' | 'cert-manager', string>>> {
  const deployments = await stack.all('apps/v1/Deployment')
  const has = (namespace: string, name: string) =>
    deployments.some((each) => each.metadata?.namespace === namespace && each.metadata?.name === name)
  const certManager = deployments.find(
    (each) => each.metadata?.namespace === 'cert-manager' && each.metadata?.name === 'cert-manager',
  )
  return {
    ...(has('knative-serving', 'controller') ? { knative: await stack.knative.version() } : {}),
    ...(deployments.some((each) => each.metadata?.labels?.app === 'istiod')
      ? { istio: (await stack.istio.istiodVersions())[0] ?? '' }
      : {}),
    ...(certManager ? { 'cert-manager': versionOf(certManager) } : {}),
  }
}
