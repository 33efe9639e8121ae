import { parse } from 'yaml'
import type { KubernetesObject } from '../core/object.ts'
import { certManagerNamespace } from './cert-manager-namespace.ts'
import { argumentOf, containersOf } from './containers.ts'
import { absent, found, lookFor, maybeValue, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'
import type { CertManagerFacts, Workload } from './survey.ts'
import { versionOfWorkload } from './version-of.ts'
import { workloadOf } from './workloads.ts'

const COMPONENTS = ['controller', 'webhook', 'cainjector'] as const

/** cert-manager as it is installed: where, which components, where a ClusterIssuer's secrets are. */
export const readCertManager = (readings: Readings): Promise<Fact<CertManagerFacts>> =>
  lookFor('cert-manager', async () => {
    const where = await certManagerNamespace(readings)
    const namespace = maybeValue(where)
    if (namespace === undefined) return where as Fact<never>
    const [deployments, policy] = await Promise.all([
      readings.list('apps/v1/Deployment'),
      readings.versionOf('policy.cert-manager.io/CertificateRequestPolicy'),
    ])
    const ofComponent = (component: string) =>
      deployments.find((each) => each.metadata?.namespace === namespace && isComponent(each, component))
    const controller = ofComponent('controller')
    const components = await Promise.all(
      COMPONENTS.map(async (component): Promise<[string, Workload][]> => {
        const deployment = ofComponent(component)
        return deployment ? [[component, await workloadOf(deployment, readings)]] : []
      }),
    )
    const csr = deployments.find(isIstioCsr)
    const missing = absent<string>(`cert-manager's controller has no Deployment in namespace ${namespace}.`)
    return found(
      {
        namespace,
        version: controller ? versionOfWorkload(controller) : missing,
        components: Object.fromEntries(components.flat()),
        issuerSecretsIn: controller ? await issuerSecretsIn(controller, readings) : missing,
        approval: policy || (controller && leavesApproval(controller)) ? 'policy' : 'auto',
        ...(csr ? { istioCsr: await workloadOf(csr, readings) } : {}),
      },
      (where as { by: string }).by,
    )
  })

const isIstioCsr = ({ metadata }: KubernetesObject): boolean =>
  [metadata?.labels?.app, metadata?.labels?.['app.kubernetes.io/name']].includes('cert-manager-istio-csr')

/** Whether a Deployment is a component of cert-manager: its container has the same name in every installation. */
const isComponent = (deployment: KubernetesObject, component: string): boolean =>
  containersOf(deployment).some(({ name }) => name === `cert-manager-${component}`)

/** Where cert-manager looks up the secrets of ClusterIssuers: an argument, a file of settings, or its default. */
function issuerSecretsIn(controller: KubernetesObject, readings: Readings): Promise<Fact<string>> {
  return lookFor("the namespace of ClusterIssuers' secrets", async () => {
    const { namespace = '', name } = controller.metadata ?? {}
    const own = (value: string) => (value === '$(POD_NAMESPACE)' ? namespace : value)
    const [container] = containersOf(controller)
    const argument = argumentOf(container?.args, '--cluster-resource-namespace')
    if (argument) return found(own(argument), `Deployment ${namespace}/${name}: --cluster-resource-namespace`)
    const map = argumentOf(container?.args, '--config') ? configMapOf(controller) : undefined
    if (map) {
      const settings = Object.values(((await readings.find('v1/ConfigMap', map, namespace))?.data ?? {}) as object)
      for (const text of settings as string[]) {
        const set = (parse(text) as { clusterResourceNamespace?: string } | null)?.clusterResourceNamespace
        if (set) return found(own(set), `ConfigMap ${namespace}/${map}: clusterResourceNamespace`)
      }
    }
    return found('kube-system', "cert-manager's default")
  })
}

const configMapOf = (controller: KubernetesObject): string | undefined =>
  ((controller.spec?.template?.spec?.volumes ?? []) as { configMap?: { name: string } }[]).find(
    ({ configMap }) => configMap,
  )?.configMap?.name

/** Whether it leaves requests for another to approve. */
const leavesApproval = (controller: KubernetesObject): boolean =>
  containersOf(controller).some(({ args }) =>
    (argumentOf(args, '--controllers') ?? '').includes('-certificaterequests-approver'),
  )
