import { parse } from 'yaml'
import type { KubernetesObject } from '../core/object.ts'
import { selects } from '../kube/selector.ts'
import { absent, found, lookFor, valueOr, type Fact } from './fact.ts'
import { ownerOf } from './owner.ts'
import { askReadyPod } from './pod-answers.ts'
import type { Readings } from './readings.ts'
import type { Istiod, MeshConfig, Ref } from './survey.ts'
import { workloadOf } from './workloads.ts'

/** Every istiod of the cluster, by the pods that its Deployments make: label app=istiod, container discovery. */
export const readIstiods = (readings: Readings): Promise<Fact<Istiod[]>> =>
  lookFor('istiod', async () => {
    const deployments = (await readings.list('apps/v1/Deployment')).filter(runsIstiod)
    if (deployments.length === 0) {
      return absent(
        'No Deployment makes pods with the label app=istiod and a container discovery: ' +
          'Istio is not installed, or its istiod is outside of this cluster.',
      )
    }
    const istiods = await Promise.all(deployments.map((deployment) => readIstiod(readings, deployment)))
    const names = istiods.map(({ workload }) => `Deployment ${workload.namespace}/${workload.name}`)
    return found(istiods, `pods with label app=istiod and container discovery, of ${names.join(', ')}`)
  })

function runsIstiod({ spec }: KubernetesObject): boolean {
  const template = spec?.template as KubernetesObject | undefined
  return template?.metadata?.labels?.app === 'istiod' && discovery(template) !== undefined
}

interface Container {
  name: string
  image?: string
  args?: string[]
  env?: { name: string; value?: string }[]
}

const discovery = ({ spec }: KubernetesObject): Container | undefined =>
  ((spec?.containers ?? []) as Container[]).find(({ name }) => name === 'discovery')

/** What istiod's container is started with. */
export class IstiodOptions {
  readonly #container: Container

  constructor(container: Container) {
    this.#container = container
  }

  /** The value of --NAME=VALUE, or of --NAME VALUE. */
  arg(name: string): string | undefined {
    const args = this.#container.args ?? []
    const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))
    if (at < 0) return undefined
    return args[at]?.includes('=') ? args[at].slice(name.length + 3) : (args[at + 1] ?? '')
  }

  has(name: string): boolean {
    return (this.#container.args ?? []).some((arg) => arg === `--${name}` || arg === `--${name}=true`)
  }

  env(name: string): string | undefined {
    return this.#container.env?.find((each) => each.name === name)?.value
  }

  get imageTag(): string | undefined {
    return /:([^:/@]+)(@.*)?$/.exec(this.#container.image ?? '')?.[1]
  }
}

/** The port of ':15014' or of '0.0.0.0:15014'. */
const portIn = (address: string | undefined): number | undefined => {
  const port = Number(/(\d+)$/.exec(address ?? '')?.[1])
  return port || undefined
}

async function readIstiod(readings: Readings, deployment: KubernetesObject): Promise<Istiod> {
  const { namespace = '' } = deployment.metadata ?? {}
  const template = deployment.spec?.template as KubernetesObject
  const options = new IstiodOptions(discovery(template)!)
  const revision = template.metadata?.labels?.['istio.io/rev'] || 'default'
  const debug = portIn(options.arg('monitoringAddr')) ?? 15014
  const pods = async () =>
    (await readings.list('v1/Pod')).filter(
      ({ metadata }) => metadata?.namespace === namespace && selects(deployment.spec?.selector, metadata.labels ?? {}),
    )
  const [workload, tags, version, mesh, meshConfigMap] = await Promise.all([
    workloadOf(deployment, readings),
    tagsOf(readings, revision, namespace),
    readVersion(readings, pods, debug, options),
    readMesh(readings, { pods, debug, namespace, map: mapOf(options, revision) }),
    readMap(readings, deployment, namespace, options, revision),
  ])
  const { rootNamespace, discoverySelectors = [] }: MeshConfig = valueOr(mesh, {})
  return {
    ...{ revision, tags, workload, version, mesh, meshConfigMap, discoverySelectors },
    ports: { debug, ctrlz: portIn(options.arg('ctrlz_port')) ?? 9876 },
    rootNamespace: rootNamespace || namespace,
    signsCertificates: options.env('ENABLE_CA_SERVER') !== 'false',
    jsonLogs: options.has('log_as_json'),
    rootCertConfigMap: options.env('PILOT_CA_CERT_CONFIGMAP') || 'istio-ca-root-cert',
  }
}

/** The revision tags that point at a revision: their injection webhooks have both as labels. */
async function tagsOf(readings: Readings, revision: string, namespace: string): Promise<string[]> {
  const configurations = await readings
    .list('admissionregistration.k8s.io/v1/MutatingWebhookConfiguration')
    .catch(() => [] as KubernetesObject[])
  return configurations
    .filter(
      ({ metadata, webhooks }) =>
        metadata?.labels?.['istio.io/tag'] !== undefined &&
        metadata.labels['istio.io/rev'] === revision &&
        ((webhooks ?? []) as Webhook[]).some(({ clientConfig }) => clientConfig?.service?.namespace === namespace),
    )
    .map(({ metadata }) => metadata?.labels?.['istio.io/tag'] ?? '')
}

interface Webhook {
  clientConfig?: { service?: { namespace?: string } }
}

const VERSION = /^\d+\.\d+/

const readVersion = (
  readings: Readings,
  pods: () => Promise<KubernetesObject[]>,
  port: number,
  options: IstiodOptions,
): Promise<Fact<string>> =>
  lookFor("istiod's version", async () => {
    const asked = { port, path: '/version', what: "istiod's version" }
    const answer = await lookFor('', async () => found(await askReadyPod(readings, await pods(), asked), ''))
    // '1.30.3-<git revision>-Clean': the last two parts are of the build.
    if ('value' in answer)
      return found(answer.value.body.trim().replace(/-[^-]+-[^-]+$/, ''), `/version of ${answer.value.pod}`)
    const tag = options.imageTag
    return tag && VERSION.test(tag) ? found(tag, 'the image of container discovery') : answer
  })

/** The ConfigMap of the mesh configuration: the one for the users where the installer keeps the other for itself. */
const mapOf = (options: IstiodOptions, revision: string): string =>
  options.env('SHARED_MESH_CONFIG') || (revision === 'default' ? 'istio' : `istio-${revision}`)

interface MeshSource {
  pods: () => Promise<KubernetesObject[]>
  debug: number
  namespace: string
  map: string
}

const readMesh = (readings: Readings, { pods, debug, namespace, map }: MeshSource): Promise<Fact<MeshConfig>> =>
  lookFor('the mesh configuration', async () => {
    const asked = { port: debug, path: '/debug/mesh', what: 'the mesh configuration of istiod' }
    const answer = await lookFor('', async () => {
      const { pod, body } = await askReadyPod(readings, await pods(), asked)
      return found(JSON.parse(body) as MeshConfig, `/debug/mesh of ${pod}`)
    })
    if ('value' in answer) return answer
    const object = await readings.find('v1/ConfigMap', map, namespace)
    if (typeof object?.data?.mesh !== 'string') return answer
    return found((parse(object.data.mesh as string) ?? {}) as MeshConfig, `ConfigMap ${namespace}/${map}: data.mesh`)
  })

/** Where one changes the mesh configuration, and who puts a change back. */
const readMap = (
  readings: Readings,
  deployment: KubernetesObject,
  namespace: string,
  options: IstiodOptions,
  revision: string,
): Promise<Fact<Istiod['meshConfigMap'] extends Fact<infer T> ? T : never>> =>
  lookFor("istiod's ConfigMap", async () => {
    const ref: Ref = { namespace, name: mapOf(options, revision) }
    const map = await readings.find('v1/ConfigMap', ref.name, namespace)
    if (!map) return absent(`ConfigMap ${namespace}/${ref.name} with the mesh configuration does not exist.`)
    const sail = ownerOf(deployment)
    const owner = ownerOf(map) ?? (sail?.kind === 'sail' ? sail : undefined)
    return found({ ...ref, ...(owner ? { owner } : {}) }, `ConfigMap ${namespace}/${ref.name}`)
  })
