import { argumentOf, containersOf } from './containers.ts'
import { absent, found, lookFor, type Fact } from './fact.ts'
import { ownerOf } from './owner.ts'
import type { Readings } from './readings.ts'
import { KNOWN_KINDS } from './served.ts'
import type { Owner, Platform } from './survey.ts'

/** What the cluster itself is: who made it, its version, its domain, which kinds it serves in which version. */
export async function readPlatform(readings: Readings): Promise<Platform> {
  const [kubernetes, distribution, clusterDomain, served, gitops] = await Promise.all([
    lookFor('version', async () => found(await versionOf(readings), 'GET /version')),
    lookFor('distribution', () => readDistribution(readings)),
    lookFor('cluster domain', () => readClusterDomain(readings)),
    readServed(readings),
    gitopsAtWork(readings),
  ])
  return { distribution, kubernetes, clusterDomain, served, gitops }
}

async function versionOf(readings: Readings): Promise<string> {
  const { gitVersion } = await readings.k8s.json<{ gitVersion: string }>('/version')
  return gitVersion.replace(/^v/, '')
}

/** Labels that a provider gives every node of its own. */
const NODE_LABELS: readonly (readonly [prefix: string, distribution: string])[] = [
  ['eks.amazonaws.com/', 'eks'],
  ['cloud.google.com/gke-', 'gke'],
  ['kubernetes.azure.com/', 'aks'],
]

async function readDistribution(readings: Readings): Promise<Fact<string>> {
  const version = await versionOf(readings)
  const [, suffix] = /[-+](eks|gke|k3s|rke2)\b/.exec(version) ?? []
  if (suffix) return found(suffix, `version ${version}`)
  if ((await readings.k8s.served.groups()).some(({ name }) => name === 'config.openshift.io'))
    return found('openshift', 'API group config.openshift.io')
  const [node] = await readings.list('v1/Node')
  const providerId = String(node?.spec?.providerID ?? '')
  if (providerId.startsWith('kind://')) return found('kind', `Node ${node?.metadata?.name}: spec.providerID`)
  const labels = Object.keys(node?.metadata?.labels ?? {})
  for (const [prefix, distribution] of NODE_LABELS) {
    const label = labels.find((each) => each.startsWith(prefix))
    if (label) return found(distribution, `Node ${node?.metadata?.name}: label ${label}`)
  }
  return absent('no mark of a distribution that Plumbline knows')
}

/** The domain of the cluster's Services, by whoever was told it: istiod, Knative, the kubelet; else the usual one. */
async function readClusterDomain(readings: Readings): Promise<Fact<string>> {
  const deployments = await readings.list('apps/v1/Deployment')
  for (const deployment of deployments)
    for (const container of containersOf(deployment)) {
      const { name, namespace } = deployment.metadata ?? {}
      const domain = container.name === 'discovery' ? argumentOf(container.args, '--domain') : undefined
      if (domain) return found(domain, `Deployment ${namespace}/${name}: --domain`)
      const variable = container.env?.find((each) => each.name === 'CLUSTER_DOMAIN')?.value
      if (variable) return found(variable, `Deployment ${namespace}/${name}: env CLUSTER_DOMAIN`)
    }
  return found('cluster.local', 'the default of Kubernetes; no component was given another')
}

/** The GitOps tools that keep Deployments here, each once. */
async function gitopsAtWork(readings: Readings): Promise<Owner[]> {
  const owners = await lookFor('GitOps tools', async () =>
    found((await readings.list('apps/v1/Deployment')).map(ownerOf), 'Deployments'),
  )
  const kinds = 'value' in owners ? owners.value.map((owner) => owner?.kind) : []
  return (['argocd', 'flux'] as const).filter((kind) => kinds.includes(kind)).map((kind) => ({ kind, reverts: true }))
}

/** The newest served version that we know of each kind that is served, by group/kind. */
async function readServed(readings: Readings): Promise<Record<string, string>> {
  const kinds = Object.keys(KNOWN_KINDS)
  const versions = await Promise.all(kinds.map((kind) => readings.versionOf(kind)))
  return Object.fromEntries(kinds.flatMap((kind, at) => (versions[at] ? [[kind, versions[at]]] : [])))
}
