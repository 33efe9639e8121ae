import { parse } from 'yaml'
import type { KubernetesObject } from '../core/object.ts'
import { accessLogSinks, sinksOfMesh } from './access-log-sinks.ts'
import { found, lookFor, valueOr } from './fact.ts'
import { listenersOf, listensOn, portsOf, wantsProxyProtocol } from './gateway-ports.ts'
import { askReadyPod } from './pod-answers.ts'
import type { Readings } from './readings.ts'
import type { Gateway, GatewayPort, Istiod, MeshConfig } from './survey.ts'

/** What a gateway's Envoy tells of itself. */
type Told = Pick<Gateway, 'listens' | 'proxyProtocol' | 'accessLog' | 'statusPort' | 'adminPort'>

const DUMP = '/config_dump?resource=dynamic_listeners'

/** Asks the Envoy of a gateway's Ready pod where it listens and what it logs. */
export async function readProxy(
  readings: Readings,
  pods: readonly KubernetesObject[],
  ports: readonly GatewayPort[],
  istiod: Istiod | undefined,
): Promise<Told> {
  const mesh: MeshConfig = istiod ? valueOr(istiod.mesh, {}) : {}
  const adminPort = adminPortOf(pods, mesh)
  const asked = { port: adminPort, path: DUMP, what: "the gateway's configuration" }
  const dump = await lookFor("the gateway's configuration", async () => {
    const { pod, body } = await askReadyPod(readings, pods, asked)
    return found(listenersOf(body), `config_dump of ${pod}`)
  })
  return {
    adminPort,
    statusPort: statusPortOf(pods),
    listens: 'value' in dump ? listensOn(ports, portsOf(dump.value), dump.by) : dump,
    proxyProtocol: 'value' in dump ? found(wantsProxyProtocol(dump.value), dump.by) : dump,
    accessLog:
      'value' in dump && dump.value.length === 0 && istiod && 'value' in istiod.mesh
        ? found(sinksOfMesh(mesh), `${istiod.mesh.by}: accessLogFile (the gateway has no listener)`)
        : 'value' in dump
          ? found(accessLogSinks(dump.value), dump.by)
          : dump,
  }
}

interface Container {
  name: string
  readinessProbe?: { httpGet?: { port?: number | string } }
  env?: { name: string; value?: string }[]
}

const proxyOf = ({ spec }: KubernetesObject): Container | undefined =>
  ((spec?.containers ?? []) as Container[]).find(({ name }) => name === 'istio-proxy')

/** Where a gateway tells whether it is ready: the port of its readiness probe. */
function statusPortOf(pods: readonly KubernetesObject[]): number {
  const port = pods.map((pod) => Number(proxyOf(pod)?.readinessProbe?.httpGet?.port)).find(Boolean)
  return port ?? 15021
}

interface ProxyConfig {
  proxyAdminPort?: number
}

/** Envoy's admin port: of the pod's ProxyConfig, by annotation or as injected, else of the mesh. */
function adminPortOf(pods: readonly KubernetesObject[], mesh: MeshConfig): number {
  for (const pod of pods) {
    const texts = [
      pod.metadata?.annotations?.['proxy.istio.io/config'],
      proxyOf(pod)?.env?.find(({ name }) => name === 'PROXY_CONFIG')?.value,
    ]
    for (const text of texts) {
      const port = text ? (parse(text) as ProxyConfig | null)?.proxyAdminPort : undefined
      if (port) return port
    }
  }
  return (mesh.defaultConfig as ProxyConfig | undefined)?.proxyAdminPort ?? 15000
}
