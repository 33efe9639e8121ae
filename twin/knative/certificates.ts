import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import { conditionOf, isTrue, ownerReference, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { LABEL } from './kinds.ts'
import { readConfig } from './settings.ts'

export const KNATIVE_CERTIFICATES = 'certificates.networking.internal.knative.dev'
const CERTIFICATES = 'certificates.cert-manager.io'

/** Whether config-network has certificates for external domains on, by its newer or its older key. */
export function externalTlsIsOn(objects: Objects): boolean {
  const network = readConfig(objects, 'config-network')
  return (network['external-domain-tls'] ?? network['auto-tls'] ?? '').toLowerCase() === 'enabled'
}

/** The name of the Knative Certificate of a Route, or of a tag of it. */
const nameOf = (route: KubeObject, tag: string | undefined): string =>
  `route-${route.metadata.uid}${tag ? `-${createHash('sha256').update(tag).digest('hex').slice(0, 8)}` : ''}`

/** The Knative Certificate of a Route, or of a tag of it; undefined where there is none. */
export const routeCertificate = (objects: Objects, route: KubeObject, tag?: string): KubeObject | undefined =>
  objects.get(KNATIVE_CERTIFICATES, nameOf(route, tag), route.metadata.namespace)

/** Has a Knative Certificate for the host of a Route, or of a tag of it. */
export function ensureRouteCertificate(objects: Objects, route: KubeObject, host: string, tag?: string): KubeObject {
  const { name, namespace } = route.metadata
  const certificate = nameOf(route, tag)
  return objects.ensure(KNATIVE_CERTIFICATES, {
    apiVersion: 'networking.internal.knative.dev/v1alpha1',
    kind: 'Certificate',
    metadata: {
      name: certificate,
      ...(namespace ? { namespace } : {}),
      labels: { [`${LABEL}/route`]: name, 'networking.knative.dev/certificate-type': 'external-domain' },
      annotations: { 'networking.knative.dev/certificate.class': 'cert-manager.certificate.networking.knative.dev' },
      ownerReferences: [ownerReference(route)],
    },
    spec: { dnsNames: [host], domain: host, secretName: certificate },
  })
}

/** Has cert-manager issue a Knative Certificate, by the issuer of config-certmanager, and says whether it has. */
export function reconcileCertificate(objects: Objects, name: string, namespace: string | undefined): void {
  const wanted = objects.get(KNATIVE_CERTIFICATES, name, namespace)
  if (!wanted || wanted.metadata.deletionTimestamp) return
  const { issuerRef } = readConfig(objects, 'config-certmanager')
  const issuer = issuerRef ? (parse(issuerRef) as object) : { kind: 'ClusterIssuer', name: 'knative-selfsigned-issuer' }
  const issued = objects.ensure(CERTIFICATES, {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: wanted.metadata.labels ?? {},
      ownerReferences: [ownerReference(wanted)],
    },
    spec: { secretName: wanted.spec.secretName, dnsNames: wanted.spec.dnsNames, issuerRef: issuer },
  })
  const ready = conditionOf(issued, 'Ready')
  const status = isTrue(issued, 'Ready')
    ? ({ status: 'True' } as const)
    : ({ status: 'Unknown', reason: ready?.reason ?? 'NotReady', message: ready?.message ?? '' } as const)
  objects.change(
    KNATIVE_CERTIFICATES,
    name,
    namespace,
    (draft) =>
      void (draft.status = {
        observedGeneration: wanted.metadata.generation,
        conditions: withConditions(draft.status?.conditions, { type: 'Ready', ...status }),
      }),
    'status',
  )
}
