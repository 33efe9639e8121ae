import { parse, stringify } from 'yaml'
import { StackFailure } from '../core/problem.ts'
import { accessLogFields, type AccessLogField, type Encoding } from './access-log.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Istio } from './istio.ts'

/** The fields of Istio's mesh configuration that checks read. */
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

/** The ConfigMap that istiod reads: `istio`, or `istio-REVISION` for a revision of istiod. */
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
 * Reads the mesh configuration now.
 * @throws StackFailure where istiod's ConfigMap has no key mesh
 */
export async function meshConfig(cluster: Cluster): Promise<MeshConfig> {
  const { name, namespace } = await configMapOf(cluster)
  const { data } = await cluster.k8s.get(CONFIG_MAP, name, namespace)
  if (typeof data?.mesh !== 'string')
    throw new StackFailure(`ConfigMap ${namespace}/${name}: key mesh not found in data.`)
  return (parse(data.mesh) ?? {}) as MeshConfig
}

/**
 * Merges `change` into the mesh configuration until the running check ends. istiod pushes it to the proxies. The change
 * and its undoing wait until istiod has nothing to push: a push that is under way builds access logs from the old
 * configuration, and leaves them in a cache that was just cleared for the new one; the proxies then get them until the
 * next change (istio/istio 1.31, pilot/pkg/networking/core/accesslog.go, cachedMeshConfigAccessLog; seen about once in
 * 15 changes).
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

/** The encoding of access logs; TEXT where the mesh configuration has none. */
export const encodingOf = ({ accessLogEncoding }: MeshConfig): Encoding =>
  accessLogEncoding === 'JSON' ? 'JSON' : 'TEXT'

/** A reader for access log lines in the format of the mesh configuration; undefined for a line of another format. */
export async function accessLogReader(
  cluster: Cluster,
): Promise<(line: string) => Record<AccessLogField, string> | undefined> {
  const mesh = await meshConfig(cluster)
  return accessLogFields(encodingOf(mesh), mesh.accessLogFormat || undefined)
}
