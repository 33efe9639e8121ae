import { createHash } from 'node:crypto'
import { Controller, controlledBy } from '../api/controller.ts'
import { isOwnedBy, isReadyPod, ownerReference, same, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { StatusError } from '../api/status-error.ts'
import { tellEvent } from './events.ts'
import { untoleratedTaint } from './scheduler.ts'

const DEPLOYMENTS = 'deployments.apps'
const REPLICA_SETS = 'replicasets.apps'

/** Runs the controllers of Deployments, ReplicaSets and DaemonSets. */
export function runWorkloads(objects: Objects): void {
  const deployments = new Controller('deployments', (name, namespace) => reconcileDeployment(objects, name, namespace))
  deployments.watch(objects, DEPLOYMENTS).watch(objects, REPLICA_SETS, controlledBy('Deployment'))
  const replicaSets: Controller = new Controller('replicasets', (name, namespace) => {
    if (reconcileReplicaSet(objects, name, namespace)) replicaSets.enqueue(name, namespace, REFUSED_AGAIN_MS)
  })
  replicaSets.watch(objects, REPLICA_SETS).watch(objects, 'pods', controlledBy('ReplicaSet'))
  const daemonSets: Controller = new Controller('daemonsets', (name, namespace) => {
    if (reconcileDaemonSet(objects, name, namespace)) daemonSets.enqueue(name, namespace, REFUSED_AGAIN_MS)
  })
  daemonSets.watch(objects, 'daemonsets.apps').watch(objects, 'pods', controlledBy('DaemonSet'))
  objects.store.listen('nodes', ({ object, previous, type }) => {
    if (type !== 'DELETED' && previous && same(object.spec, previous.spec)) return
    for (const { metadata } of objects.list('daemonsets.apps')) daemonSets.enqueue(metadata.name, metadata.namespace)
  })
}

// A pod that is refused is tried again, the real controllers with a growing delay.
const REFUSED_AGAIN_MS = 200

const hashOf = (template: unknown): string =>
  createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)

/** A share ('25%') or a number of pods. */
function podCount(value: number | string | undefined, total: number, round: (share: number) => number): number {
  if (typeof value === 'string' && value.endsWith('%')) return round((Number(value.slice(0, -1)) * total) / 100)
  return Number(value ?? 0)
}

function reconcileDeployment(objects: Objects, name: string, namespace: string | undefined): void {
  const deployment = objects.get(DEPLOYMENTS, name, namespace)
  if (!deployment || deployment.metadata.deletionTimestamp) return
  const wanted = deployment.spec.replicas as number
  const hash = hashOf(deployment.spec.template)
  const sets = objects.list(REPLICA_SETS, namespace).filter((set) => isOwnedBy(set, deployment))
  const current =
    sets.find((set) => set.metadata.labels?.['pod-template-hash'] === hash) ?? makeReplicaSet(objects, deployment, hash)
  const old = sets.filter((set) => set.metadata.uid !== current.metadata.uid)
  const size = (all: KubeObject[]) => all.reduce((sum, set) => sum + (set.spec.replicas as number), 0)
  const available = (all: KubeObject[]) => all.reduce((sum, set) => sum + Number(set.status?.availableReplicas ?? 0), 0)
  const scale = (set: KubeObject, replicas: number) => {
    if (set.spec.replicas !== replicas)
      objects.change(REPLICA_SETS, set.metadata.name, namespace, (draft) => void (draft.spec.replicas = replicas))
  }
  const { rollingUpdate, type } = deployment.spec.strategy
  const surge = type === 'Recreate' ? 0 : podCount(rollingUpdate?.maxSurge, wanted, Math.ceil)
  const unavailable =
    type === 'Recreate'
      ? wanted
      : Math.max(podCount(rollingUpdate?.maxUnavailable, wanted, Math.floor), surge === 0 ? 1 : 0)
  const room = type === 'Recreate' && size(old) > 0 ? 0 : Math.max(0, wanted + surge - size([current, ...old]))
  const next = Math.min(wanted, (current.spec.replicas as number) + room)
  scale(current, next)
  // Old pods go as far as what is available stays above the least that there must be; those that do not serve go first.
  let spare = available([current, ...old]) - (wanted - unavailable)
  for (const set of old) {
    const serving = Number(set.status?.availableReplicas ?? 0)
    const idle = (set.spec.replicas as number) - serving
    const gone = idle + Math.min(Math.max(0, spare), serving)
    spare -= Math.min(Math.max(0, spare), serving)
    scale(set, (set.spec.replicas as number) - gone)
    const limit = Number(deployment.spec.revisionHistoryLimit ?? 10)
    if (set.spec.replicas === 0 && !set.status?.replicas && old.indexOf(set) < old.length - limit)
      objects.delete(REPLICA_SETS, set.metadata.name, namespace)
  }
  const all = objects.list(REPLICA_SETS, namespace).filter((set) => isOwnedBy(set, deployment))
  writeDeploymentStatus(objects, deployment, all, hash)
}

function makeReplicaSet(objects: Objects, deployment: KubeObject, hash: string): KubeObject {
  const { name, namespace, annotations } = deployment.metadata
  const { template, selector } = deployment.spec
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash }
  return objects.create(REPLICA_SETS, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace ? { namespace } : {}),
      labels,
      ...(annotations ? { annotations } : {}),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, 'pod-template-hash': hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  })
}

function writeDeploymentStatus(objects: Objects, deployment: KubeObject, sets: KubeObject[], hash: string): void {
  const { name, namespace, generation } = deployment.metadata
  const sum = (field: string, of = sets) => of.reduce((total, set) => total + Number(set.status?.[field] ?? 0), 0)
  const current = sets.filter((set) => set.metadata.labels?.['pod-template-hash'] === hash)
  const wanted = deployment.spec.replicas as number
  const maxUnavailable = podCount(deployment.spec.strategy.rollingUpdate?.maxUnavailable, wanted, Math.floor)
  const available = sum('availableReplicas')
  const done = available >= wanted && sum('replicas', current) >= wanted && sum('replicas') === sum('replicas', current)
  objects.change(
    DEPLOYMENTS,
    name,
    namespace,
    (draft) => {
      draft.status = {
        observedGeneration: generation,
        ...nonZero({
          replicas: sum('replicas'),
          updatedReplicas: sum('replicas', current),
          readyReplicas: sum('readyReplicas'),
          availableReplicas: available,
          unavailableReplicas: Math.max(0, wanted - available),
        }),
        conditions: withConditions(
          deployment.status?.conditions,
          available >= wanted - maxUnavailable
            ? {
                type: 'Available',
                status: 'True',
                reason: 'MinimumReplicasAvailable',
                message: 'Deployment has minimum availability.',
              }
            : {
                type: 'Available',
                status: 'False',
                reason: 'MinimumReplicasUnavailable',
                message: 'Deployment does not have minimum availability.',
              },
          {
            type: 'Progressing',
            status: 'True',
            reason: done ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
            message: `ReplicaSet "${name}-${hash}" ${done ? 'has successfully progressed.' : 'is progressing.'}`,
          },
        ),
      }
    },
    'status',
  )
}

const nonZero = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

/** Makes a pod of a template, as admission leaves it; gives why it is refused, which an event tells too. */
function makePod(objects: Objects, owner: KubeObject, more: { nodeName?: string } = {}): string | undefined {
  const { template } = owner.spec
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: '',
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace ? { namespace: owner.metadata.namespace } : {}),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...template.spec, ...more },
  }
  try {
    objects.create('pods', objects.admitsPod(pod))
    return undefined
  } catch (problem) {
    if (!(problem instanceof StatusError)) throw problem
    const controller = `${owner.kind.toLowerCase()}-controller`
    tellEvent(objects, owner, 'FailedCreate', `Error creating: ${problem.message}`, 'Warning', controller)
    return problem.message
  }
}

const isLive = (pod: KubeObject): boolean =>
  !pod.metadata.deletionTimestamp && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded'

/** Gives whether a pod was refused, so that it is to be tried again. */
function reconcileReplicaSet(objects: Objects, name: string, namespace: string | undefined): boolean {
  const set = objects.get(REPLICA_SETS, name, namespace)
  if (!set || set.metadata.deletionTimestamp) return false
  const pods = objects.list('pods', namespace).filter((pod) => isOwnedBy(pod, set) && isLive(pod))
  const missing = (set.spec.replicas as number) - pods.length
  let refused: string | undefined
  for (let i = 0; i < missing && !refused; i++) refused = makePod(objects, set)
  if (missing < 0) {
    // Those that do not serve yet go first, then the youngest.
    const order = pods.toSorted(
      (a, b) =>
        Number(isReadyPod(a)) - Number(isReadyPod(b)) ||
        Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion),
    )
    for (const pod of order.slice(0, -missing)) objects.delete('pods', pod.metadata.name, namespace)
  }
  const live = objects.list('pods', namespace).filter((pod) => isOwnedBy(pod, set) && isLive(pod))
  const ready = live.filter(isReadyPod).length
  objects.change(
    REPLICA_SETS,
    name,
    namespace,
    (draft) => {
      draft.status = {
        observedGeneration: set.metadata.generation,
        replicas: live.length,
        ...nonZero({ fullyLabeledReplicas: live.length, readyReplicas: ready, availableReplicas: ready }),
        ...(refused
          ? {
              conditions: withConditions(undefined, {
                type: 'ReplicaFailure',
                status: 'True',
                reason: 'FailedCreate',
                message: refused,
              }),
            }
          : {}),
      }
    },
    'status',
  )
  return refused !== undefined
}

/** The nodes that a DaemonSet is for: those whose taints it tolerates, and that it selects; a cordon is none to it. */
function nodesOf(objects: Objects, set: KubeObject): string[] {
  const { template } = set.spec
  const tolerations = [...((template.spec?.tolerations ?? []) as object[]), ...DAEMON_TOLERATIONS]
  const pod: KubeObject = { ...template, apiVersion: 'v1', kind: 'Pod', spec: { ...template.spec, tolerations } }
  const wanted = Object.entries((template.spec?.nodeSelector ?? {}) as Record<string, string>)
  return objects
    .list('nodes')
    .filter((node) => !untoleratedTaint(pod, node))
    .filter((node) => wanted.every(([key, value]) => node.metadata.labels?.[key] === value))
    .map((node) => node.metadata.name)
}

// What the DaemonSet controller adds to each of its pods.
const DAEMON_TOLERATIONS = ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'unschedulable'].map(
  (name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' }),
)

/** Gives whether a pod was refused, so that it is to be tried again. */
function reconcileDaemonSet(objects: Objects, name: string, namespace: string | undefined): boolean {
  const set = objects.get('daemonsets.apps', name, namespace)
  if (!set || set.metadata.deletionTimestamp) return false
  const pods = objects.list('pods', namespace).filter((pod) => isOwnedBy(pod, set) && isLive(pod))
  const nodes = nodesOf(objects, set)
  const missing = nodes.filter((nodeName) => !pods.some((pod) => pod.spec.nodeName === nodeName))
  const refused = missing.find((nodeName) => makePod(objects, set, { nodeName }))
  const ready = pods.filter(isReadyPod).length
  objects.change(
    'daemonsets.apps',
    name,
    namespace,
    (draft) => {
      draft.status = {
        observedGeneration: set.metadata.generation,
        desiredNumberScheduled: nodes.length,
        currentNumberScheduled: pods.length,
        updatedNumberScheduled: pods.length,
        numberReady: ready,
        numberAvailable: ready,
        numberMisscheduled: 0,
      }
    },
    'status',
  )
  return refused !== undefined
}
