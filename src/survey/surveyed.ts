import { StackFailure } from '../core/problem.ts'
import { maybeValue, valueOf } from './fact.ts'
import type { CertManagerFacts, Gateway, Istiod, KnativeFacts, LoadBalancer, Survey, Workload } from './survey.ts'

/** Whatever has a survey: the cluster. */
export interface Surveyed {
  survey: () => Promise<Survey>
}

/**
 * The gateway that carries our requests.
 * @throws StackFailure where there is none, NotLookedAt where nobody could look
 */
export async function theGateway(cluster: Surveyed): Promise<Gateway> {
  const gateways = valueOf((await cluster.survey()).gateways)
  const certified = gateways.find(({ role }) => role === 'certified')
  if (!certified) throw new StackFailure('No gateway that config-istio names has a Service with pods.')
  return certified
}

/** The gateways that Knative's external traffic passes: the certified one first. */
export async function externalGateways(cluster: Surveyed): Promise<Gateway[]> {
  const gateways = valueOf((await cluster.survey()).gateways)
  const certified = await theGateway(cluster)
  return [certified, ...gateways.filter(({ role }) => role === 'external')]
}

export const allIstiods = async (cluster: Surveyed): Promise<Istiod[]> => valueOf((await cluster.survey()).istiods)

/**
 * The istiod that configures the certified gateway.
 * @throws StackFailure where there is no istiod
 */
export async function theIstiod(cluster: Surveyed): Promise<Istiod> {
  const istiods = await allIstiods(cluster)
  const configuring = maybeValue((await theGateway(cluster)).istiod)
  const istiod = istiods.find(({ workload }) => `${workload.namespace}/${workload.name}` === configuring) ?? istiods[0]
  if (!istiod) throw new StackFailure('No istiod was found in the cluster.')
  return istiod
}

export const theLoadBalancer = async (cluster: Surveyed): Promise<LoadBalancer> =>
  valueOf((await theGateway(cluster)).balancer)

export const theKnative = async (cluster: Surveyed): Promise<KnativeFacts> => valueOf((await cluster.survey()).knative)

/**
 * A component of Knative by what it is: 'activator', 'autoscaler', 'webhook'.
 * @throws StackFailure where Knative has none
 */
export async function knativeComponent(cluster: Surveyed, name: string): Promise<Workload> {
  const { namespace, components } = await theKnative(cluster)
  const component = components[name]
  if (!component) throw new StackFailure(`Knative in namespace ${namespace} has no component ${name}.`)
  return component
}

/** The namespace of Knative Serving. */
export const knativeNamespace = async (cluster: Surveyed): Promise<string> => (await theKnative(cluster)).namespace

export const theCertManager = async (cluster: Surveyed): Promise<CertManagerFacts> =>
  valueOf((await cluster.survey()).certManager)

export const certManagerNamespace = async (cluster: Surveyed): Promise<string> =>
  (await theCertManager(cluster)).namespace

/** The DNS domain of the cluster's Services; cluster.local where it could not be found out. */
export async function clusterDomain(cluster: Surveyed): Promise<string> {
  const { clusterDomain: domain } = (await cluster.survey()).platform
  return 'value' in domain ? domain.value : 'cluster.local'
}
