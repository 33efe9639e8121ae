import type { KubeObject } from '../api/object.ts'
import { ISTIO_JSON } from './access-log-formats.ts'
import { effectiveTelemetries, type MeshConfig, type MeshSnapshot } from './mesh.ts'

/** Keys of a JSON log with their operators; objects may be nested. */
export interface JsonFields {
  [key: string]: string | JsonFields
}

/** One access log of a proxy's listeners: where it goes, its format, and which requests it is for. */
export interface AccessLogSink {
  kind: 'file' | 'otel' | 'grpc'
  path: string
  /** Envoy's format; Istio's own where neither is given. */
  text?: string
  json?: JsonFields
  omitsEmpty: boolean
  /** The CEL expression of a Telemetry's filter. */
  filter?: string
}

interface LogSettings {
  disabled?: boolean
  providers?: { name: string }[]
  filter?: { expression?: string }
}

interface FileProvider {
  path?: string
  logFormat?: { text?: string; labels?: JsonFields }
  omitEmptyValues?: boolean
}

/** The access logs of a pod's proxy, by the Telemetry resources in force and the mesh configuration. */
export function accessLogSinks(snapshot: MeshSnapshot, pod: KubeObject): AccessLogSink[] {
  const { mesh } = snapshot
  const telemetry = effectiveTelemetries(snapshot, pod).filter((each) => each.spec?.accessLogging)
  const usual = mesh.defaultProviders?.accessLogging
  const settings = (telemetry.at(-1)?.spec.accessLogging ?? []) as LogSettings[]
  if (telemetry.length === 0) {
    const named = (usual ?? []).flatMap((name) => sinkOf(mesh, name) ?? [])
    return usual?.length ? named : mesh.accessLogFile ? [ownSink(mesh)] : []
  }
  return settings
    .filter(({ disabled }) => !disabled)
    .flatMap(({ providers, filter }) => {
      const names = providers?.map(({ name }) => name) ?? usual ?? ['envoy']
      const sinks = names.flatMap((name) => sinkOf(mesh, name) ?? [])
      return filter?.expression ? sinks.map((sink) => ({ ...sink, filter: filter.expression! })) : sinks
    })
}

/** The log that a provider stands for; the built-in `envoy` needs no definition. */
function sinkOf(mesh: MeshConfig, name: string): AccessLogSink | undefined {
  const provider = mesh.extensionProviders?.find((each) => each.name === name)
  if (!provider) return name === 'envoy' ? ownSink(mesh) : undefined
  if (provider.envoyOtelAls) return { kind: 'otel', path: '', omitsEmpty: false }
  if (provider.envoyHttpAls ?? provider.envoyTcpAls) return { kind: 'grpc', path: '', omitsEmpty: false }
  const file = provider.envoyFileAccessLog as FileProvider | undefined
  if (!file) return undefined
  const { path = '/dev/stdout', logFormat, omitEmptyValues = false } = file
  const own = ownSink(mesh)
  if (!logFormat) return { ...own, path }
  const sink: AccessLogSink = { kind: 'file', path, omitsEmpty: omitEmptyValues }
  return logFormat.labels ? { ...sink, json: logFormat.labels } : { ...sink, text: logFormat.text ?? '' }
}

/** The log of accessLogFile, in the mesh's encoding and format. */
function ownSink(mesh: MeshConfig): AccessLogSink {
  const sink: AccessLogSink = { kind: 'file', path: mesh.accessLogFile ?? '/dev/stdout', omitsEmpty: false }
  if (mesh.accessLogEncoding === 'JSON')
    return { ...sink, json: mesh.accessLogFormat ? (JSON.parse(mesh.accessLogFormat) as JsonFields) : ISTIO_JSON }
  return mesh.accessLogFormat ? { ...sink, text: mesh.accessLogFormat } : sink
}
