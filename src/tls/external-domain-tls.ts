import { workloadNamespace } from '../cluster/workload.ts'
import type { X509Certificate } from 'node:crypto'
import { CERTIFICATE } from './cert-manager.ts'
import { externalTlsKey, issuesCertificatesItself } from '../knative/settings.ts'
import { KNATIVE } from '../kube/kinds.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { allTrue } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CertManager } from './cert-manager.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Knative } from '../knative/knative.ts'

type Parts = Cluster & { certManager: CertManager; changes: Changes; knative: Knative }

const KNATIVE_CERTIFICATE = 'networking.internal.knative.dev/v1alpha1/Certificate'
const GATEWAY = 'networking.istio.io/v1beta1/Gateway'
const SERVICE = 'serving.knative.dev/v1/Service'
const ROUTE = 'serving.knative.dev/v1/Route'

/** One of our own Services, with the certificate that Knative requested for it. */
export interface SecuredService {
  url: URL
  /** The name of its Knative Certificate, and whether that is Ready. */
  certificate: string
  ca: X509Certificate
  key: string
}

/**
 * Enables external domain TLS with the run's CA until the running check ends, and gives one of our own Services whose
 * URL is https. Every Route of the cluster gets a certificate meanwhile; those of other Services are deleted again.
 */
export async function securedService(stack: Parts): Promise<SecuredService> {
  const { issuer, ca } = await stack.certManager.authority()
  const version = await stack.knative.version()
  const key = externalTlsKey(version)
  const existing = new Set((await listCertificateObjects(stack)).map(nameOf))
  const restart = async () => {
    if (issuesCertificatesItself(version))
      await stack.changes.restart({ kind: 'apps/v1/Deployment', namespace: KNATIVE, name: 'controller' })
  }
  // When the check ends the settings are restored first, then the controller restarts without TLS, then what was
  // created is deleted.
  stack.changes.atEnd(() => removeNew(stack, existing))
  stack.changes.atEnd(restart)
  await stack.changes.tune('v1/ConfigMap', KNATIVE, 'config-certmanager', {
    data: { issuerRef: `kind: ClusterIssuer\nname: ${issuer}\n` },
  })
  await stack.changes.tune('v1/ConfigMap', KNATIVE, 'config-network', { data: { [key]: 'Enabled' } })
  await restart()
  const namespace = await workloadNamespace(stack, 'secured')
  await stack.apply(stack.knative.manifest(namespace, 'secured'))
  const [service] = await stack.until(
    { kind: SERVICE, namespace, name: 'secured' },
    (objects) =>
      allTrue('Ready')(objects) ??
      (String(objects[0]?.status?.url).startsWith('https:')
        ? undefined
        : `status.url is ${objects[0]?.status?.url}, expected https`),
    'serviceReady',
  )
  const route = await stack.k8s.get(ROUTE, 'secured', namespace)
  const [certificate] = await stack.until(
    { kind: KNATIVE_CERTIFICATE, namespace, name: `route-${route.metadata?.uid}` },
    allTrue('Ready'),
    'issued',
  )
  // For `plumbline recover`, if this run is killed before it removes them.
  const created = (await listCertificateObjects(stack)).filter((id) => !existing.has(nameOf(id)))
  for (const id of created) stack.journal.made(id)
  return { url: new URL(String(service?.status?.url)), certificate: certificate?.metadata?.name ?? '', ca, key }
}

const nameOf = ({ kind, namespace, name }: ObjectId): string => `${kind} ${namespace}/${name}`

/**
 * What Knative, net-istio and cert-manager make of certificates for Routes: the certificates, their secrets, the copies
 * of these beside the gateway, and a Gateway for each Ingress, which net-istio leaves when TLS goes off.
 */
async function listCertificateObjects(stack: Parts): Promise<ObjectId[]> {
  const ids = (kind: string, items: readonly KubernetesObject[]) =>
    items.map(({ metadata }) => ({ kind, name: metadata?.name ?? '', namespace: metadata?.namespace }))
  const [certificates, issued, gateways, secrets] = await Promise.all([
    stack.k8s.list(KNATIVE_CERTIFICATE),
    stack.k8s.list(CERTIFICATE),
    stack.k8s.list(GATEWAY, { labels: 'networking.internal.knative.dev/ingress' }),
    stack.k8s.list('v1/Secret'),
  ])
  const certificateSecrets = new Set(
    certificates.items.map(({ metadata, spec }) => `${metadata?.namespace}/${spec?.secretName}`),
  )
  const knativeSecrets = secrets.items.filter(
    ({ metadata }) =>
      metadata?.labels?.['networking.internal.knative.dev/certificate-uid'] ||
      certificateSecrets.has(`${metadata?.namespace}/${metadata?.name}`),
  )
  const knativeIssued = issued.items.filter(
    ({ metadata }) => metadata?.annotations?.['networking.knative.dev/certificate.class'],
  )
  return [
    ...ids(KNATIVE_CERTIFICATE, certificates.items),
    ...ids(CERTIFICATE, knativeIssued),
    ...ids(GATEWAY, gateways.items),
    ...ids('v1/Secret', knativeSecrets),
  ]
}

/** Deletes the certificate objects that did not exist before, and marks them as undone in the journal. */
async function removeNew(stack: Parts, existing: ReadonlySet<string>): Promise<void> {
  const fresh = (await listCertificateObjects(stack)).filter((id) => !existing.has(nameOf(id)))
  await Promise.all(fresh.map((id) => stack.k8s.delete(id)))
  const ids = new Set(fresh.map(nameOf))
  for (const entry of stack.journal.pending()) if (ids.has(nameOf(entry.object))) stack.journal.undone(entry.seq)
}
