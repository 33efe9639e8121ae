import { parse, stringify } from 'yaml'
import { StackFailure } from '../core/problem.ts'
import { accessLogFields, type AccessLogField, type Encoding } from './access-log.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Istio } from './istio.ts'

/** Istio's mesh configuration, as far as checks read it. */
export interface MeshConfig {
  accessLogFile?: string
  accessLogEncoding?: Encoding
  accessLogFormat?: string
  extensionProviders?: { name: string }[]
  defaultProviders?: Record<string, string[]>
  rootNamespace?: string
  trustDomain?: string
}

const CONFIG_MAP = 'v1/ConfigMap'

/** The ConfigMap that istiod reads: `istio`, or `istio-REVISION` for a revision of it. */
async function configMapOf(cluster: Cluster): Promise<{ name: string; namespace: string }> {
  const deployments = await cluster.all('apps/v1/Deployment')
  const istiod = deployments.find(({ metadata }) => metadata?.labels?.app === 'istiod')
  const revision = istiod?.metadata?.labels?.['istio.io/rev'] ?? 'default'
  return {
    name: revision === 'default' ? 'istio' : `istio-${revision}`,
    namespace: istiod?.metadata?.namespace ?? 'istio-system',
  }
}

/**
 * The mesh configuration as it is now.
 * @throws StackFailure where istiod's ConfigMap is missing, or has none
 */
export async function meshConfig(cluster: Cluster): Promise<MeshConfig> {
  const { name, namespace } = await configMapOf(cluster)
  const { data } = await cluster.k8s.get(CONFIG_MAP, name, namespace)
  if (typeof data?.mesh !== 'string') throw new StackFailure(`ConfigMap ${namespace}/${name} has no key mesh.`)
  return (parse(data.mesh) ?? {}) as MeshConfig
}

/**
 * Lays `change` over the mesh configuration for the time of the running check. istiod pushes it to the proxies by itself. It is changed,
 * and put back, while istiod rests: a push that is under way builds access logs of the old configuration and leaves them in a cache that
 * was just emptied for the new one, and from there they go out until the next change (istio/istio 1.31, pilot/pkg/networking/core/
 * accesslog.go, cachedMeshConfigAccessLog; seen on a cluster once in some fifteen changes).
 */
export async function tuneMesh(
  stack: Cluster & { changes: Changes; istio: Istio },
  change: MeshConfig & Record<string, unknown>,
): Promise<void> {
  const { name, namespace } = await configMapOf(stack)
  const mesh = stringify({ ...(await meshConfig(stack)), ...change })
  await stack.istio.untilQuiet()
  await stack.changes.tune(CONFIG_MAP, namespace, name, { data: { mesh } })
  stack.changes.atEnd(() => stack.istio.untilQuiet())
}

/** The encoding of access logs; TEXT where the mesh configuration does not say. */
export const encodingOf = ({ accessLogEncoding }: MeshConfig): Encoding =>
  accessLogEncoding === 'JSON' ? 'JSON' : 'TEXT'

/** Reads lines of the gateways' access log as the mesh configuration has them now; undefined for a line of another shape. */
export async function accessLogReader(
  cluster: Cluster,
): Promise<(line: string) => Record<AccessLogField, string> | undefined> {
  const mesh = await meshConfig(cluster)
  return accessLogFields(encodingOf(mesh), mesh.accessLogFormat || undefined)
}
