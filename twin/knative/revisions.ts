import { ownerReference, withConditions, conditionOf, isTrue, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { KnativeHooks } from './hooks.ts'
import { POD_AUTOSCALERS, REVISIONS, ROUTES } from './kinds.ts'
import { readConfig, annotation } from './settings.ts'
import { revisionDeployment } from './revision-deployment.ts'

/** Makes what a Revision needs, a Deployment and a PodAutoscaler, and says how it fares. */
export function reconcileRevision(
  objects: Objects,
  hooks: KnativeHooks,
  name: string,
  namespace: string | undefined,
): void {
  const revision = objects.get(REVISIONS, name, namespace)
  if (!revision || revision.metadata.deletionTimestamp) return
  const deployment = ensureDeployment(objects, hooks, revision)
  ensurePodAutoscaler(objects, hooks, revision)
  const podAutoscaler = objects.get(POD_AUTOSCALERS, name, namespace)
  writeStatus(objects, revision, deployment, podAutoscaler)
}

function ensureDeployment(objects: Objects, hooks: KnativeHooks, revision: KubeObject): KubeObject {
  const wanted = revisionDeployment(
    revision,
    readConfig(objects, 'config-deployment'),
    readConfig(objects, 'config-observability'),
    hooks,
  )
  const before = objects.get('deployments.apps', wanted.metadata.name, revision.metadata.namespace)
  const initialScale =
    annotation(revision.metadata.annotations, 'initial-scale') ??
    readConfig(objects, 'config-autoscaler')['initial-scale'] ??
    1
  // The autoscaler owns the replicas of a Deployment that exists.
  wanted.spec.replicas = before ? before.spec.replicas : hooks.initialScale.apply(Number(initialScale))
  if (before && !isRouted(objects, revision) && before.spec.replicas === 0) return before
  return objects.ensure('deployments.apps', wanted)
}

function ensurePodAutoscaler(objects: Objects, hooks: KnativeHooks, revision: KubeObject): void {
  const { name, namespace, labels, annotations } = revision.metadata
  const {
    'serving.knative.dev/routes': _,
    'serving.knative.dev/routingStateModified': __,
    ...copied
  } = annotations ?? {}
  const { 'serving.knative.dev/routingState': ___, ...copiedLabels } = labels ?? {}
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    labels: {
      ...copiedLabels,
      app: name,
      'serving.knative.dev/revision': name,
      'serving.knative.dev/revisionUID': revision.metadata.uid ?? '',
    },
    annotations: {
      'autoscaling.knative.dev/class': 'kpa.autoscaling.knative.dev',
      'autoscaling.knative.dev/metric': 'concurrency',
      ...hooks.podAutoscalerAnnotations.apply(copied),
    },
    ownerReferences: [ownerReference(revision)],
  }
  objects.ensure(POD_AUTOSCALERS, {
    apiVersion: 'autoscaling.internal.knative.dev/v1alpha1',
    kind: 'PodAutoscaler',
    metadata,
    spec: {
      protocolType: 'http1',
      reachability: isRouted(objects, revision) ? 'Reachable' : 'Unreachable',
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `${name}-deployment` },
      ...(revision.spec.containerConcurrency ? { containerConcurrency: revision.spec.containerConcurrency } : {}),
    },
  })
}

/** Whether a Route sends traffic to a revision, by percentage or tag; one that is not Ready yet counts as reachable. */
function isRouted(objects: Objects, revision: KubeObject): boolean {
  const { name, namespace, labels } = revision.metadata
  const configuration = labels?.['serving.knative.dev/configuration']
  return objects.list(ROUTES, namespace).some((route) => {
    const targets = (route.status?.traffic ?? []) as { revisionName?: string }[]
    if (targets.some((each) => each.revisionName === name)) return true
    const follows = ((route.spec.traffic ?? []) as { configurationName?: string; latestRevision?: boolean }[]).some(
      (each) => each.configurationName === configuration,
    )
    return follows && !isTrue(revision, 'Ready')
  })
}

function writeStatus(
  objects: Objects,
  revision: KubeObject,
  deployment: KubeObject,
  podAutoscaler: KubeObject | undefined,
): void {
  const { name, namespace, generation } = revision.metadata
  const trouble = podTrouble(objects, deployment)
  const initialized = isTrue(podAutoscaler, 'ScaleTargetInitialized')
  const was = conditionOf(revision, 'ResourcesAvailable')
  const status = initialized ? 'True' : trouble ? 'False' : was?.status === 'True' ? 'True' : 'Unknown'
  const why =
    initialized || status === 'True'
      ? {}
      : trouble
        ? { reason: trouble.reason, message: trouble.message }
        : { reason: 'Deploying' }
  const active = conditionOf(podAutoscaler, 'Active')
  objects.change(
    REVISIONS,
    name,
    namespace,
    (draft) => {
      draft.status = {
        ...draft.status,
        observedGeneration: generation,
        actualReplicas: podAutoscaler?.status?.actualScale ?? 0,
        desiredReplicas: podAutoscaler?.status?.desiredScale ?? 0,
        containerStatuses: ((revision.spec.containers ?? []) as { name: string }[]).map((each) => ({
          name: each.name,
        })),
        conditions: withConditions(
          draft.status?.conditions,
          { type: 'ResourcesAvailable', status, ...why },
          { type: 'ContainerHealthy', status: status === 'False' ? 'Unknown' : status, ...why },
          { type: 'Ready', status, ...why },
          {
            type: 'Active',
            severity: 'Info',
            status: active?.status ?? 'Unknown',
            ...(active?.reason ? { reason: active.reason } : {}),
            ...(active?.message ? { message: active.message } : {}),
          },
        ),
      }
    },
    'status',
  )
}

/** Why the pods of a deployment do not start, where a pod says so. */
function podTrouble(objects: Objects, deployment: KubeObject): { reason: string; message: string } | undefined {
  const uid = deployment.spec.selector.matchLabels['serving.knative.dev/revisionUID'] as string
  for (const pod of objects.list('pods', deployment.metadata.namespace)) {
    if (pod.metadata.labels?.['serving.knative.dev/revisionUID'] !== uid) continue
    const scheduled = conditionOf(pod, 'PodScheduled')
    if (scheduled?.status === 'False') return { reason: scheduled.reason ?? '', message: scheduled.message ?? '' }
    const waiting = ((pod.status?.containerStatuses ?? []) as KubeObject[])
      .map((each) => each.state?.waiting)
      .find((each) => each && each.reason !== 'ContainerCreating')
    if (waiting) return { reason: waiting.reason, message: waiting.message ?? '' }
  }
  return undefined
}
