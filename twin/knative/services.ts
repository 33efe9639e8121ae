import {
  conditionOf,
  isTrue,
  ownerReference,
  timestamp,
  withConditions,
  type Condition,
  type KubeObject,
} from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { goDuration } from '../go-duration.ts'
import { CONFIGURATIONS, LABEL, REVISIONS, ROUTES, SERVICES } from './kinds.ts'
import { readConfig } from './settings.ts'

const carried = (annotations: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(annotations ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration'),
  )

/** A condition taken over from what an object is made of, under another name. */
const taken = (from: KubeObject | undefined, type: string): Omit<Condition, 'lastTransitionTime'> => {
  const ready = conditionOf(from, 'Ready')
  const current = from?.status?.observedGeneration === from?.metadata.generation
  const status = ready && current ? ready.status : 'Unknown'
  return {
    type,
    status,
    ...(ready?.reason ? { reason: ready.reason } : {}),
    ...(ready?.message ? { message: ready.message } : {}),
  }
}

/** True where all are, False where one is, else Unknown, with the reason of the one that is not True. */
export function allOf(
  conditions: readonly Omit<Condition, 'lastTransitionTime'>[],
): Omit<Condition, 'lastTransitionTime'> {
  const worst =
    conditions.find(({ status }) => status === 'False') ?? conditions.find(({ status }) => status === 'Unknown')
  return worst ? { ...worst, type: 'Ready' } : { type: 'Ready', status: 'True' }
}

/** Makes a Service's Configuration and Route, and takes its status from theirs. */
export function reconcileService(objects: Objects, name: string, namespace: string | undefined): void {
  const service = objects.get(SERVICES, name, namespace)
  if (!service || service.metadata.deletionTimestamp) return
  const { labels = {}, annotations, generation, uid = '' } = service.metadata
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    annotations: carried(annotations),
    labels: { ...labels, [`${LABEL}/service`]: name, [`${LABEL}/serviceUID`]: uid },
    ownerReferences: [ownerReference(service)],
  }
  const apiVersion = 'serving.knative.dev/v1'
  const configuration = objects.ensure(CONFIGURATIONS, {
    apiVersion,
    kind: 'Configuration',
    metadata,
    spec: { template: service.spec.template },
  })
  const traffic = (
    (service.spec.traffic ?? [{ latestRevision: true, percent: 100 }]) as { revisionName?: string }[]
  ).map((target) => (target.revisionName ? target : { ...target, configurationName: name }))
  const route = objects.ensure(ROUTES, {
    apiVersion,
    kind: 'Route',
    metadata: { ...metadata, finalizers: ['routes.serving.knative.dev'] },
    spec: { traffic },
  })
  const configurationReady = taken(configuration, 'ConfigurationsReady')
  let routeReady = taken(route, 'RoutesReady')
  const behind = ((route.status?.traffic ?? []) as { latestRevision?: boolean; revisionName?: string }[]).some(
    (target) => target.latestRevision && target.revisionName !== configuration.status?.latestReadyRevisionName,
  )
  if (routeReady.status === 'True' && behind)
    routeReady = {
      type: 'RoutesReady',
      status: 'Unknown',
      reason: 'TrafficNotMigrated',
      message: 'Traffic is not yet migrated to the latest revision.',
    }
  objects.change(
    SERVICES,
    name,
    namespace,
    (draft) => {
      draft.status = {
        ...draft.status,
        observedGeneration: generation,
        ...pick(configuration.status, 'latestCreatedRevisionName', 'latestReadyRevisionName'),
        ...pick(route.status, 'traffic', 'url', 'address'),
        conditions: withConditions(
          draft.status?.conditions,
          configurationReady,
          routeReady,
          allOf([configurationReady, routeReady]),
        ),
      }
    },
    'status',
  )
}

const pick = (from: Record<string, unknown> | undefined, ...keys: string[]): object =>
  Object.fromEntries(keys.filter((key) => from?.[key] !== undefined).map((key) => [key, from?.[key]]))

/** Makes a revision of a Configuration's template where it changed, and says whether the newest is Ready. */
export function reconcileConfiguration(objects: Objects, name: string, namespace: string | undefined): void {
  const configuration = objects.get(CONFIGURATIONS, name, namespace)
  if (!configuration || configuration.metadata.deletionTimestamp) return
  const { generation = 1 } = configuration.metadata
  const revisions = objects
    .list(REVISIONS, namespace)
    .filter((each) => each.metadata.labels?.[`${LABEL}/configuration`] === name)
  const latest =
    revisions.find((each) => each.metadata.labels?.[`${LABEL}/configurationGeneration`] === String(generation)) ??
    makeRevision(objects, configuration)
  const ready = isTrue(latest, 'Ready')
  const condition = taken(latest, 'Ready')
  objects.change(
    CONFIGURATIONS,
    name,
    namespace,
    (draft) => {
      draft.status = {
        ...draft.status,
        observedGeneration: generation,
        latestCreatedRevisionName: latest.metadata.name,
        ...(ready ? { latestReadyRevisionName: latest.metadata.name } : {}),
        conditions: withConditions(
          draft.status?.conditions,
          condition.status === 'False'
            ? {
                ...condition,
                reason: 'RevisionFailed',
                message: `Revision "${latest.metadata.name}" failed with message: ${condition.message ?? ''}.`,
              }
            : condition,
        ),
      }
    },
    'status',
  )
  collectRevisions(objects, revisions, latest.metadata.name)
}

function makeRevision(objects: Objects, configuration: KubeObject): KubeObject {
  const { name, namespace, generation = 1, uid = '', labels = {}, annotations = {} } = configuration.metadata
  const { metadata = {}, spec } = configuration.spec.template
  return objects.create(REVISIONS, {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Revision',
    metadata: {
      name: metadata.name ?? `${name}-${String(generation).padStart(5, '0')}`,
      ...(namespace ? { namespace } : {}),
      annotations: {
        ...metadata.annotations,
        [`${LABEL}/creator`]: annotations[`${LABEL}/creator`] ?? 'twin',
        [`${LABEL}/routingStateModified`]: timestamp(),
      },
      labels: {
        ...metadata.labels,
        [`${LABEL}/configuration`]: name,
        [`${LABEL}/configurationGeneration`]: String(generation),
        [`${LABEL}/configurationUID`]: uid,
        [`${LABEL}/routingState`]: 'pending',
        ...(labels[`${LABEL}/service`]
          ? { [`${LABEL}/service`]: labels[`${LABEL}/service`], [`${LABEL}/serviceUID`]: labels[`${LABEL}/serviceUID`] }
          : {}),
      },
      ownerReferences: [ownerReference(configuration)],
    },
    spec,
  })
}

/** Deletes revisions that nothing routes to and that are past config-gc's limits. */
function collectRevisions(objects: Objects, revisions: KubeObject[], latest: string): void {
  const config = readConfig(objects, 'config-gc')
  const keep = Number(config['min-non-active-revisions'] ?? 20)
  const age = goDuration(config['retain-since-create-time'] ?? '48h') ?? Infinity
  const idle = revisions.filter(
    (each) => each.metadata.labels?.[`${LABEL}/routingState`] === 'reserve' && each.metadata.name !== latest,
  )
  const old = idle.filter((each) => Date.now() - new Date(each.metadata.creationTimestamp ?? 0).getTime() > age)
  for (const revision of old.slice(0, Math.max(0, idle.length - keep)))
    objects.delete(REVISIONS, revision.metadata.name, revision.metadata.namespace)
}
