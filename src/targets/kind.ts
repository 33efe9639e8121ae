import { execa } from 'execa'
import { stringify } from 'yaml'
import { deadline } from '../core/deadlines.ts'
import { ClusterProblem, UsageProblem } from '../core/problem.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { fingerprint } from '../install/apply-all.ts'
import { certManager } from '../install/cert-manager.ts'
import { installAll, type Component } from '../install/component.ts'
import { istio } from '../install/istio.ts'
import { knativeServing, netIstio } from '../install/knative.ts'
import { metallb } from '../install/metallb.ts'
import { readRelease, releases } from '../install/release.ts'
import { workload } from '../install/workload.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { readManifest } from '../kube/manifest.ts'
import { needDocker, needPrograms } from '../core/programs.ts'
import { counted } from '../core/counted.ts'

const COMPONENTS: Component[] = [metallb, certManager, istio, knativeServing, netIstio, workload]

/** The context that kind gives a cluster of this name in the kubeconfig. */
export const kindContext = (config: StackConfig): string => `kind-${config.cluster.name}`

/** The nodes of the kind cluster: a control plane, and a worker in each zone. */
function kindClusterConfig(config: StackConfig): object {
  const [cluster] = readManifest('kind/cluster.yaml')
  const workers = config.bring.zones.map((zone) => ({
    role: 'worker',
    labels: { 'topology.kubernetes.io/zone': zone },
  }))
  return { ...cluster, nodes: [{ role: 'control-plane' }, ...workers] }
}

/**
 * Brings the kind cluster and the whole stack up, from whatever is there already; where all is, nothing changes.
 * @throws UsageProblem for what is missing on this machine, StackFailure for a component that does not become Available
 */
export async function kindUp(config: StackConfig, tell: (what: string) => void, signal: AbortSignal): Promise<void> {
  await needPrograms('kind', 'istioctl')
  await needDocker()
  // A manifest that is missing is said before a cluster is made, not after.
  await Promise.all(Object.values(releases).map((release) => readRelease(release, config)))
  await makeCluster(config, tell, signal)
  const context = kindContext(config)
  const kubeConfig = loadKubeConfig(config.kubeconfig, context)
  const api = new Kubernetes(kubeConfig)
  try {
    await installAll(COMPONENTS, { api, config, context, tell, signal })
    const { kind: _, ...metadata } = UP_MARK
    await api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { stack: stackHash(config) } })
  } finally {
    await kubeConfig.close()
  }
}

/** Says, in the cluster, that an `up` of this stack came to its end. */
const UP_MARK = { kind: 'v1/ConfigMap', name: 'plumbline-up', namespace: 'kube-system' }

const stackHash = ({ bring, images, cluster }: StackConfig): string => fingerprint([bring, images, cluster])

/**
 * Whether an `up` of this very stack came to its end in the cluster. `certify` then takes the cluster as it is: to
 * apply again would repair what the checks are there to find.
 */
export async function kindIsUp(config: StackConfig): Promise<boolean> {
  await needPrograms('kind')
  await needDocker()
  if (!(await clusterExists(config)) || (await missingOf(config))) return false
  const kubeConfig = loadKubeConfig(config.kubeconfig, kindContext(config))
  try {
    const mark = await new Kubernetes(kubeConfig).find(UP_MARK.kind, UP_MARK.name, UP_MARK.namespace)
    return mark?.data?.stack === stackHash(config)
  } finally {
    await kubeConfig.close()
  }
}

/** Deletes the kind cluster. */
export async function kindDown(config: StackConfig): Promise<void> {
  await execa('kind', ['delete', 'cluster', '--name', config.cluster.name, ...kubeconfigFlag(config)])
}

async function makeCluster(config: StackConfig, tell: (what: string) => void, signal: AbortSignal): Promise<void> {
  const { name } = config.cluster
  const { nodeImage, versions } = config.bring
  if (await clusterExists(config)) {
    const missing = await missingOf(config)
    // It may be somebody's, stopped or made otherwise: only who is asked deletes it.
    if (missing)
      throw new UsageProblem(
        `The kind cluster ${name} exists, but ${missing}. Start it, name another one (--name), ` +
          'or delete it with plumbline down.',
      )
    tell(`kind: the cluster ${name} exists`)
    return
  }
  const version = versions.kubernetes?.replace(/^v/, '')
  const image = nodeImage ?? (version ? `kindest/node:v${version}` : undefined)
  tell(`kind: creating the cluster ${name}`)
  const from = performance.now()
  const made = await execa(
    'kind',
    [
      'create',
      'cluster',
      '--name',
      name,
      '--config',
      '-',
      ...(image ? ['--image', image] : []),
      ...kubeconfigFlag(config),
    ],
    {
      input: stringify(kindClusterConfig(config)),
      reject: false,
      all: true,
      timeout: deadline('clusterCreated'),
      cancelSignal: signal,
    },
  )
  if (made.failed || signal.aborted) {
    await execa('kind', ['delete', 'cluster', '--name', name, ...kubeconfigFlag(config)], { reject: false })
    signal.throwIfAborted()
    throw new UsageProblem(`kind could not create the cluster ${name}: ${whyKindFailed(made.all, image)}`)
  }
  tell(`kind: created after ${((performance.now() - from) / 1000).toFixed(1)} s`)
}

function whyKindFailed(output: string, image: string | undefined): string {
  if (/failed to pull image|manifest unknown|pull access denied/.test(output)) {
    return `the node image ${image ?? ''} cannot be pulled; name one that this machine has with --node-image.`
  }
  const port = /bind for ([\d.:]+) failed: port is already allocated|address already in use/i.exec(output)
  if (port) return `the port ${port[1] ?? ''} is taken by another program; stop it, then try again.`
  return (
    output
      .split('\n')
      .find((line) => /^ERROR:/.test(line))
      ?.replace('ERROR: ', '') ??
    output.trim().split('\n').at(-1) ??
    'it said nothing'
  )
}

async function clusterExists(config: StackConfig): Promise<boolean> {
  const { stdout } = await execa('kind', ['get', 'clusters'], { reject: false })
  return stdout.split('\n').includes(config.cluster.name)
}

/** What a kind cluster lacks to take the stack: an API that answers, or nodes; undefined where it is whole. */
async function missingOf(config: StackConfig): Promise<string | undefined> {
  await execa('kind', ['export', 'kubeconfig', '--name', config.cluster.name, ...kubeconfigFlag(config)], {
    reject: false,
  })
  const wanted = config.bring.zones.length + 1
  try {
    const kubeConfig = loadKubeConfig(config.kubeconfig, kindContext(config))
    const { items } = await new Kubernetes(kubeConfig).list('v1/Node')
    await kubeConfig.close()
    return items.length === wanted
      ? undefined
      : `has ${counted(items.length, 'node')}, expected ${wanted} ` +
          `(a control plane and a worker for each of bring.zones)`
  } catch (problem) {
    if (problem instanceof ClusterProblem || problem instanceof UsageProblem) return 'its API does not answer'
    throw problem
  }
}

/** The names of the nodes of the kind cluster; none where there is no cluster. */
export async function kindNodes(config: StackConfig): Promise<string[]> {
  await needPrograms('kind')
  await needDocker()
  if (!(await clusterExists(config))) return []
  const { stdout } = await execa('kind', ['get', 'nodes', '--name', config.cluster.name], { reject: false })
  return stdout.split('\n').filter(Boolean).toSorted()
}

const kubeconfigFlag = (config: StackConfig): string[] => (config.kubeconfig ? ['--kubeconfig', config.kubeconfig] : [])
