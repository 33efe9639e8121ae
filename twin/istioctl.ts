import { readFileSync } from 'node:fs'
import https from 'node:https'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'
import type { KubeObject } from './api/object.ts'
import { DEFECT_RESOURCE } from './hook.ts'
import { ISTIOCTL_DEFECTS } from './istio/defects.ts'
import { IstioctlHooks } from './istio/hooks.ts'
import { gatewaysOf } from './istio/routes.ts'
import { VERSIONS } from './stack/versions.ts'

// What checks ask of istioctl, for a twin: `manifest generate -f FILE` and `analyze`.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filename: { type: 'string', short: 'f' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    'all-namespaces': { type: 'boolean' },
    output: { type: 'string' },
    istioNamespace: { type: 'string', short: 'i' },
    revision: { type: 'string' },
    'failure-threshold': { type: 'string' },
    remote: { type: 'string' },
  },
})

/** LISTs a resource by its path in the twin's API. */
async function list(path: string): Promise<KubeObject[]> {
  const config = parse(readFileSync(values.kubeconfig ?? process.env.KUBECONFIG ?? '', 'utf8')) as KubeObject
  const { cluster } = config.clusters[0]
  const { user } = config.users[0]
  const decode = (text: string) => Buffer.from(text, 'base64').toString()
  const options = {
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  }
  return new Promise((resolve, reject) => {
    https
      .get(`${cluster.server}${path}`, options, (answer) => {
        let text = ''
        answer.on('data', (chunk) => (text += String(chunk)))
        answer.on('end', () => resolve((JSON.parse(text) as { items?: KubeObject[] }).items ?? []))
      })
      .on('error', reject)
  })
}

interface Message {
  code: string
  level: string
  message: string
  origin: string
}

/**
 * The analyses that checks rely on: a VirtualService names a Gateway that does not exist (IST0101), and a namespace has
 * several Telemetry resources without a selector (IST0160).
 */
async function analyze(): Promise<Message[]> {
  const [virtualServices = [], gateways = [], telemetries = []] = await Promise.all([
    list('/apis/networking.istio.io/v1/virtualservices'),
    list('/apis/networking.istio.io/v1/gateways'),
    list('/apis/telemetry.istio.io/v1/telemetries'),
  ])
  const nameOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`
  const known = new Set(gateways.map(nameOf))
  const missing = virtualServices.flatMap((each) =>
    gatewaysOf(each)
      .filter((gateway) => gateway !== 'mesh' && !known.has(gateway))
      .map((gateway) => ({
        code: 'IST0101',
        level: 'Error',
        message: `Referenced gateway not found: "${gateway}"`,
        origin: `VirtualService ${nameOf(each)}`,
      })),
  )
  const open = telemetries.filter(({ spec }) => !spec?.selector && !spec?.targetRef && !spec?.targetRefs)
  const double = [...Map.groupBy(open, ({ metadata }) => metadata.namespace)].filter(([, all]) => all.length > 1)
  const many = double.flatMap(([namespace, all]) =>
    all.map((each) => ({
      code: 'IST0160',
      level: 'Error',
      message:
        `The Telemetries [${all.map(({ metadata }) => metadata.name).join(' ')}] in namespace "${namespace}" ` +
        'have no workload selector, which can lead to undefined behavior',
      origin: `Telemetry ${nameOf(each)}`,
    })),
  )
  return [...missing, ...many]
}

/** The hooks of this process, with the defects that are in force in the twin. */
async function hooks(): Promise<IstioctlHooks> {
  const [plural = '', ...group] = DEFECT_RESOURCE.split('.')
  const active = new Set((await list(`/apis/${group.join('.')}/v1/${plural}`)).map(({ metadata }) => metadata.name))
  const all = new IstioctlHooks()
  for (const [name, register] of Object.entries(ISTIOCTL_DEFECTS))
    register(all, { isActive: active.has(name), since: undefined })
  return all
}

/** The first field of an IstioOperator that istioctl does not know, as it reports it. */
function unknownFieldOf(operator: KubeObject): string | undefined {
  if (operator.spec?.values?.global?.tls) return 'unknown field "tls" in istio.operator.v1alpha1.GlobalConfig'
  const unknown = Object.keys(operator).find((key) => !['apiVersion', 'kind', 'metadata', 'spec'].includes(key))
  return unknown && `json: unknown field ${JSON.stringify(unknown)}`
}

/** Renders an IstioOperator's gateway Services; what is no IstioOperator, or has a field that none has, is refused. */
async function generate(file: string): Promise<string> {
  const operator = parse(readFileSync(file, 'utf8')) as KubeObject
  if (!operator.kind) throw new Error("Object 'Kind' is missing in 'the file'")
  const unknownField = (await hooks()).unknownField.apply(unknownFieldOf(operator))
  if (unknownField) throw new Error(`could not unmarshal: ${unknownField}`)
  const components = (operator.spec?.components?.ingressGateways ?? []) as KubeObject['spec'][]
  return components
    .map(({ name, k8s }) =>
      stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'istio-system', annotations: k8s?.serviceAnnotations ?? {} },
        spec: { type: 'LoadBalancer', selector: { app: name }, ports: k8s?.service?.ports ?? [] },
      }),
    )
    .join('---\n')
}

try {
  if (positionals[0] === 'version') console.log(`client version: ${VERSIONS.istio}-twin`)
  else if (positionals[0] === 'analyze') {
    const messages = await analyze()
    console.log(JSON.stringify(messages))
    process.exitCode = messages.length ? 79 : 0
  } else if (positionals.join(' ') === 'manifest generate') process.stdout.write(await generate(values.filename ?? ''))
  else throw new Error(`unknown command "${positionals.join(' ')}" for "istioctl"`)
} catch (problem) {
  console.error(`Error: ${problem instanceof Error ? problem.message : String(problem)}`)
  process.exitCode = 1
}
