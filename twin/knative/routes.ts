import type { Target } from './traffic-target.ts'
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
import { ensureRouteCertificate, externalTlsIsOn, routeCertificate } from './certificates.ts'
import type { Rollouts } from './rollouts.ts'
import { CONFIGURATIONS, INGRESSES, LABEL, REVISIONS, ROUTES } from './kinds.ts'
import { readConfig } from './settings.ts'
import { hostOf, isLocal, localDomain } from './hosts.ts'
import { allOf } from './services.ts'
import { knativeGateways } from './gateways.ts'

/** Makes the Ingress of a Route, from the revisions that its traffic goes to, and its Service in the cluster. */
export function reconcileRoute(
  objects: Objects,
  rollouts: Rollouts,
  name: string,
  namespace: string | undefined,
): void {
  const route = objects.get(ROUTES, name, namespace)
  if (!route) return
  if (route.metadata.deletionTimestamp) return finishRoute(objects, route)
  const { targets: meant, missing } = resolve(objects, route)
  const targets = missing ? meant : rollouts.split(route, meant)
  const host = hostOf(objects, route)
  const secured = externalTlsIsOn(objects) && !isLocal(objects, host)
  const certificates = secured ? ensureCertificates(objects, route, targets) : []
  const pending = certificates.find((each) => !isTrue(each, 'Ready'))
  const shown = certificates[0] && isTrue(certificates[0], 'Ready')
  const url = `${isLocal(objects, host) ? 'http' : externalScheme(objects, Boolean(shown))}://${host}`
  const assigned: Omit<Condition, 'lastTransitionTime'> = missing
    ? {
        type: 'AllTrafficAssigned',
        status: missing.failed ? 'False' : 'Unknown',
        reason: missing.reason,
        message: missing.message,
      }
    : { type: 'AllTrafficAssigned', status: 'True' }
  const ingress = missing
    ? objects.get(INGRESSES, name, namespace)
    : ensureIngress(objects, route, targets, certificates)
  if (!missing) {
    ensurePlaceholder(objects, route)
    labelRevisions(objects, route, targets)
  }
  const ready = conditionOf(ingress, 'Ready')
  const ingressCurrent = ingress && ingress.status?.observedGeneration === ingress.metadata.generation
  const ingressReady: Omit<Condition, 'lastTransitionTime'> = {
    type: 'IngressReady',
    status: ready && ingressCurrent ? ready.status : 'Unknown',
    ...(ready?.status === 'True'
      ? {}
      : {
          reason: ready?.reason ?? 'IngressNotConfigured',
          message: ready?.message ?? 'Ingress has not yet been reconciled.',
        }),
  }
  const provisioned: Omit<Condition, 'lastTransitionTime'> = !secured
    ? {
        type: 'CertificateProvisioned',
        status: 'True',
        reason: 'TLSNotEnabled',
        message: 'external-domain-tls is not enabled',
      }
    : !pending
      ? { type: 'CertificateProvisioned', status: 'True' }
      : {
          type: 'CertificateProvisioned',
          status: 'Unknown',
          reason: 'CertificateNotReady',
          message: `Certificate ${pending.metadata.name} is not ready.`,
        }
  objects.change(
    ROUTES,
    name,
    namespace,
    (draft) => {
      draft.status = {
        ...draft.status,
        observedGeneration: route.metadata.generation,
        url,
        address: { url: `http://${name}.${namespace}.${localDomain(objects)}` },
        ...(missing || ingressReady.status !== 'True' ? {} : { traffic: targets }),
        conditions: withConditions(
          draft.status?.conditions,
          assigned,
          provisioned,
          ingressReady,
          allOf([assigned, provisioned, ingressReady]),
        ),
      }
    },
    'status',
  )
}

/** The route without a tag, and each tag. */
const tagsOf = (targets: readonly Target[]): (string | undefined)[] => [
  undefined,
  ...new Set(targets.map(({ tag }) => tag).filter((tag) => tag !== undefined)),
]

/** Has a certificate for the host of a Route, and for that of each tag. */
const ensureCertificates = (objects: Objects, route: KubeObject, targets: readonly Target[]): KubeObject[] =>
  tagsOf(targets).map((tag) => ensureRouteCertificate(objects, route, hostOf(objects, route, tag), tag))

/** The scheme of a Route outside the cluster: https where it has a certificate, else that of config-network. */
const externalScheme = (objects: Objects, secured: boolean): string =>
  secured ? 'https' : (readConfig(objects, 'config-network')['default-external-scheme'] ?? 'http').toLowerCase()

const tagUrl = (objects: Objects, route: KubeObject, tag: string): string => {
  const host = hostOf(objects, route, tag)
  const secured = !isLocal(objects, host) && isTrue(routeCertificate(objects, route, tag), 'Ready')
  return `${isLocal(objects, host) ? 'http' : externalScheme(objects, secured)}://${host}`
}

function finishRoute(objects: Objects, route: KubeObject): void {
  const { name, namespace } = route.metadata
  if (objects.get(INGRESSES, name, namespace)) objects.delete(INGRESSES, name, namespace)
  objects.update(ROUTES, { ...route, metadata: { ...route.metadata, finalizers: [] } })
}

/** The revisions that the targets mean now, or what is missing for that. */
function resolve(
  objects: Objects,
  route: KubeObject,
): { targets: Target[]; missing?: { failed: boolean; reason: string; message: string } } {
  const { namespace } = route.metadata
  const targets: Target[] = []
  for (const target of (route.spec.traffic ?? []) as Target[]) {
    const configuration = target.configurationName
      ? objects.get(CONFIGURATIONS, target.configurationName, namespace)
      : undefined
    if (target.configurationName && !configuration)
      return {
        targets,
        missing: {
          failed: true,
          reason: 'ConfigurationMissing',
          message: `Configuration "${target.configurationName}" referenced in traffic not found.`,
        },
      }
    const revisionName = target.revisionName ?? (configuration?.status?.latestReadyRevisionName as string | undefined)
    if (!revisionName) {
      const failed = conditionOf(configuration, 'Ready')?.status === 'False'
      return {
        targets,
        missing: {
          failed,
          reason: 'RevisionMissing',
          message:
            `Configuration "${target.configurationName}" ` +
            (failed ? 'does not have any ready Revision.' : 'is waiting for a Revision to become ready.'),
        },
      }
    }
    const revision = objects.get(REVISIONS, revisionName, namespace)
    if (!revision)
      return {
        targets,
        missing: {
          failed: true,
          reason: 'RevisionMissing',
          message: `Revision "${revisionName}" referenced in traffic not found.`,
        },
      }
    if (!isTrue(revision, 'Ready'))
      return {
        targets,
        missing: { failed: false, reason: 'RevisionMissing', message: `Revision "${revisionName}" is not yet ready.` },
      }
    const { configurationName: _, ...rest } = target
    targets.push({
      latestRevision: false,
      ...rest,
      revisionName,
      ...(target.tag ? { url: tagUrl(objects, route, target.tag) } : {}),
    })
  }
  return { targets: targets.map((target) => (target.latestRevision ? target : { ...target, latestRevision: false })) }
}

function ensureIngress(
  objects: Objects,
  route: KubeObject,
  targets: readonly Target[],
  certificates: readonly KubeObject[],
): KubeObject {
  const { name, namespace = '', labels, annotations } = route.metadata
  const tags = tagsOf(targets)
  const issued = certificates.filter((each) => isTrue(each, 'Ready'))
  const rules = tags.flatMap((tag) =>
    rulesOf(
      objects,
      route,
      tag,
      tag
        ? targets.filter((each) => each.tag === tag).map((each) => ({ ...each, percent: 100 }))
        : targets.filter(({ percent }) => percent),
      tag ? [] : taggedOf(objects, targets),
    ),
  )
  const redirected = readConfig(objects, 'config-network')['http-protocol']?.toLowerCase() === 'redirected'
  return objects.ensure(INGRESSES, {
    apiVersion: 'networking.internal.knative.dev/v1alpha1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      labels: { ...labels, [`${LABEL}/route`]: name, [`${LABEL}/routeNamespace`]: namespace },
      annotations: {
        ...annotations,
        'networking.knative.dev/ingress.class':
          readConfig(objects, 'config-network')['ingress-class'] ?? 'istio.ingress.networking.knative.dev',
      },
      finalizers: ['ingresses.networking.internal.knative.dev'],
      ownerReferences: [ownerReference(route)],
    },
    spec: {
      httpOption: redirected ? 'Redirected' : 'Enabled',
      rules,
      ...(issued.length
        ? {
            tls: issued.map(({ spec }) => ({
              hosts: spec.dnsNames,
              secretName: spec.secretName,
              secretNamespace: namespace,
            })),
          }
        : {}),
    },
  })
}

/** The targets with a tag, where the header Knative-Serving-Tag chooses among them. */
const taggedOf = (objects: Objects, targets: readonly Target[]): Target[] =>
  readConfig(objects, 'config-features')['tag-header-based-routing']?.toLowerCase() === 'enabled'
    ? targets.filter(({ tag }) => tag)
    : []

function rulesOf(
  objects: Objects,
  route: KubeObject,
  tag: string | undefined,
  targets: readonly Target[],
  byHeader: readonly Target[],
): object[] {
  const { name, namespace = '' } = route.metadata
  const full = tag ? `${tag}-${name}` : name
  const host = hostOf(objects, route, tag)
  const splitsOf = (some: readonly Target[]) =>
    some.map(({ revisionName, percent }) => ({
      appendHeaders: { 'Knative-Serving-Namespace': namespace, 'Knative-Serving-Revision': revisionName },
      percent,
      serviceName: revisionName,
      serviceNamespace: namespace,
      servicePort: 80,
    }))
  const http = {
    paths: [
      ...byHeader.map((target) => ({
        headers: { 'Knative-Serving-Tag': { exact: target.tag } },
        splits: splitsOf([{ ...target, percent: 100 }]),
      })),
      { splits: splitsOf(targets) },
    ],
  }
  const local = {
    hosts: [`${full}.${namespace}`, `${full}.${namespace}.svc`, `${full}.${namespace}.${localDomain(objects)}`],
    http,
    visibility: 'ClusterLocal',
  }
  return isLocal(objects, host) ? [local] : [local, { hosts: [host], http, visibility: 'ExternalIP' }]
}

function ensurePlaceholder(objects: Objects, route: KubeObject): void {
  const { name, namespace, labels } = route.metadata
  objects.ensure('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: { ...labels, [`${LABEL}/route`]: name },
      ownerReferences: [ownerReference(route)],
    },
    spec: {
      type: 'ExternalName',
      externalName: knativeGateways(objects, 'local', labels)[0]?.service ?? '',
      ports: [{ name: 'http2', port: 80, targetPort: 80, appProtocol: 'kubernetes.io/h2c' }],
    },
  })
}

/** Says on the revisions whether anything routes to them, and since when. */
function labelRevisions(objects: Objects, route: KubeObject, targets: readonly Target[]): void {
  const { name, namespace } = route.metadata
  const routed = new Set(targets.map(({ revisionName }) => revisionName))
  const configurations = new Set(
    [...routed].map(
      (revision) => objects.get(REVISIONS, revision ?? '', namespace)?.metadata.labels?.[`${LABEL}/configuration`],
    ),
  )
  for (const revision of objects.list(REVISIONS, namespace)) {
    const here = routed.has(revision.metadata.name)
    if (!here && !configurations.has(revision.metadata.labels?.[`${LABEL}/configuration`])) continue
    const state = here ? 'active' : isTrue(revision, 'Ready') ? 'reserve' : 'pending'
    if (revision.metadata.labels?.[`${LABEL}/routingState`] === state) continue
    objects.change(REVISIONS, revision.metadata.name, namespace, (draft) => {
      draft.metadata.labels = { ...draft.metadata.labels, [`${LABEL}/routingState`]: state }
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        [`${LABEL}/routingStateModified`]: timestamp(),
        ...(here ? { [`${LABEL}/routes`]: name } : {}),
      }
    })
  }
}
