import { parse, stringify } from 'yaml'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { DEFAULT_FORMAT } from '../src/mesh/access-log.ts'
import { servedApi } from '../src/cluster/served.ts'
import { partOf } from '../src/sabotage/parts.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { valueOf } from '../src/survey/fact.ts'
import type { Labels } from '../src/survey/survey.ts'
import { certManagerNamespace, theIstiod } from '../src/survey/surveyed.ts'
import { connectionManager } from './envoy-filter.ts'

/** Makes a Telemetry for the pods of labels in a namespace. */
const telemetry = async (
  saboteur: Saboteur,
  name: string,
  { namespace, labels }: { namespace: string; labels: Labels },
  provider: string,
): Promise<void> =>
  saboteur.make({
    apiVersion: await servedApi(saboteur, 'telemetry.istio.io/Telemetry'),
    kind: 'Telemetry',
    metadata: { name, namespace },
    spec: { selector: { matchLabels: labels }, accessLogging: [{ providers: [{ name: provider }] }] },
  })

async function changeMesh(saboteur: Saboteur, change: object): Promise<void> {
  const { namespace, name } = valueOf((await theIstiod(saboteur)).meshConfigMap)
  const { data } = await saboteur.api.get('v1/ConfigMap', name, namespace)
  const mesh = stringify({ ...(parse(String(data?.mesh)) as object), ...change })
  await saboteur.change('v1/ConfigMap', namespace, name, { data: { mesh } })
}

sabotage('access-log-off', { breaks: 'the mesh writes no access log', fails: ['logs/access-log-on'] }, (saboteur) =>
  changeMesh(saboteur, { accessLogFile: '' }),
)

defect('log-format-kept', {
  breaks: 'istiod does not push how the mesh is to write access logs',
  fails: ['logs/encoding', 'logs/custom-format', 'logs/no-restart-needed'],
})

sabotage(
  'traces-sampled-otherwise',
  { breaks: 'an EnvoyFilter sets the trace sampling rate of the gateway', fails: ['logs/sampling'] },
  (saboteur) => connectionManager(saboteur, 'traces-sampled-otherwise', { tracing: { random_sampling: { value: 1 } } }),
)

sabotage(
  'logged-twice',
  {
    breaks: 'an EnvoyFilter makes the gateway write a second access log, to which no Telemetry filter applies',
    fails: ['logs/telemetry-filter'],
  },
  (saboteur) =>
    connectionManager(saboteur, 'logged-twice', {
      access_log: [
        {
          name: 'envoy.access_loggers.file',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
            path: '/dev/stdout',
            log_format: { text_format_source: { inline_string: DEFAULT_FORMAT } },
          },
        },
      ],
    }),
)

sabotage(
  'provider-undefined',
  { breaks: 'a Telemetry names a log provider that the mesh does not define', fails: ['logs/telemetry-applied'] },
  async (saboteur) => {
    // istiod has no proxy, so no access log changes.
    const { namespace, selector } = await partOf(saboteur, 'istiod')
    await telemetry(saboteur, 'provider-undefined', { namespace, labels: selector }, 'nowhere')
  },
)

sabotage(
  'telemetry-schema-open',
  { breaks: 'the CRD of Telemetry accepts any field', fails: ['logs/custom-tags-refused'] },
  async (saboteur) => {
    const [kind, name] = ['apiextensions.k8s.io/v1/CustomResourceDefinition', 'telemetries.telemetry.istio.io']
    const { spec } = await saboteur.api.get(kind, name)
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    const versions = (spec.versions as object[]).map((version) => ({ ...version, schema: { openAPIV3Schema: open } }))
    await saboteur.change(kind, undefined, name, { spec: { versions } })
  },
)

sabotage(
  'log-volume-unbounded',
  {
    breaks: 'a pod in the namespace of cert-manager writes logs to an emptyDir volume without a sizeLimit',
    fails: ['logs/bounded'],
  },
  async (saboteur) =>
    saboteur.make({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'log-volume-unbounded', namespace: await certManagerNamespace(saboteur) },
      spec: {
        containers: [
          {
            name: 'writer',
            image: 'docker.io/library/node:24-alpine',
            imagePullPolicy: 'IfNotPresent',
            command: ['node', '-e', 'setInterval(() => {}, 1000)'],
            volumeMounts: [{ name: 'logs', mountPath: '/var/log/writer' }],
          },
        ],
        volumes: [{ name: 'logs', emptyDir: {} }],
      },
    }),
)

sabotage(
  'collector-gone',
  { breaks: 'no node runs a log collector', fails: ['logs/collected'], requires: ['loki'] },
  (saboteur) =>
    saboteur.remove('apps/v1/DaemonSet', saboteur.config.observability.loki?.split('/')[0] ?? '', 'collector'),
)

defect('log-levels-stuck', {
  breaks: 'the log levels of Envoy cannot be changed',
  fails: ['logs/proxy-level'],
})

defect('request-logs-missing', { breaks: 'queue-proxy writes no request log', fails: ['logs/from-zero'] })
