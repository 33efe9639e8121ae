import type { Cluster } from '../cluster/cluster.ts'
import { DoesNotApply } from '../core/problem.ts'
import { gatewayPods } from '../cluster/gateway-service.ts'
import { meshConfig } from '../mesh/mesh-config.ts'
import type { MeshConfig } from '../survey/survey.ts'
import { theIstiod } from '../survey/surveyed.ts'
import { appliesTo, telemetriesOf } from './telemetries.ts'

interface FileLog {
  path?: string
  logFormat?: object
}

/**
 * Sees that the mesh configuration decides how the gateway logs: that no provider of access logs with a format of its
 * own is in force for it.
 * @throws DoesNotApply where one is
 */
export async function requireMeshFormat(cluster: Cluster): Promise<void> {
  const mesh = await meshConfig(cluster)
  const own = (await providersOfGateway(cluster, mesh)).find((name) => hasOwnFormat(mesh, name))
  if (own === undefined) return
  throw new DoesNotApply(
    `The gateway logs by the provider ${own}, which has a format of its own: ` +
      'meshConfig.accessLogEncoding and accessLogFormat do not decide how its lines look.',
  )
}

/** The providers of access logs in force for the gateway: those of Telemetries, or the mesh's default ones. */
async function providersOfGateway(cluster: Cluster, mesh: MeshConfig): Promise<string[]> {
  const [pod] = await gatewayPods(cluster)
  const { rootNamespace } = await theIstiod(cluster)
  const applied = (await telemetriesOf(cluster)).filter(
    (telemetry) => telemetry.spec?.accessLogging && appliesTo(telemetry, pod!, rootNamespace),
  )
  const named = applied
    .flatMap(({ spec }) => spec?.accessLogging as { providers?: { name: string }[] }[])
    .flatMap(({ providers = [] }) => providers.map(({ name }) => name))
  return named.length ? named : (mesh.defaultProviders?.accessLogging ?? [])
}

/** Whether a provider's lines look as it says itself, or go somewhere else: the built-in envoy's do not. */
function hasOwnFormat({ extensionProviders = [] }: MeshConfig, name: string): boolean {
  const provider = extensionProviders.find((each) => each.name === name)
  if (!provider) return false
  const file = provider.envoyFileAccessLog as FileLog | undefined
  return !file || file.logFormat !== undefined || (file.path !== undefined && file.path !== '/dev/stdout')
}
