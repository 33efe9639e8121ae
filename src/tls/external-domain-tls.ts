import { workloadNamespace } from '../cluster/workload.ts'
import type { X509Certificate } from 'node:crypto'
import { CERTIFICATE } from './cert-manager.ts'
import { externalTlsKey, issuesCertificatesItself } from '../knative/settings.ts'
import { KNATIVE } from '../kube/kinds.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { ObjectId } from '../kube/kubernetes.ts'
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

/** A Service of ours with a certificate that Knative got for it. */
export interface SecuredService {
  url: URL
  /** The name of its Knative Certificate, and whether that is Ready. */
  certificate: string
  ca: X509Certificate
  key: string
}

/**
 * Turns certificates for external domains on, issued by the run's authority, for the time of the running check, and gives a Service of
 * ours whose URL is https. Every Route of the cluster gets a certificate meanwhile; what was made for others is removed again.
 */
export async function securedService(stack: Parts): Promise<SecuredService> {
  const { issuer, ca } = await stack.certManager.authority()
  const version = await stack.knative.version()
  const key = externalTlsKey(version)
  const there = new Set((await made(stack)).map(nameOf))
  const restart = async () => {
    if (issuesCertificatesItself(version)) await stack.changes.restart(`${KNATIVE}/controller`)
  }
  // When the check ends: first the settings are put back, then nothing makes certificates any more, then what was made goes.
  stack.changes.atEnd(() => forget(stack, there))
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
      (String(objects[0]?.status?.url).startsWith('https:') ? undefined : `its URL is ${objects[0]?.status?.url}`),
    'serviceReady',
  )
  const route = await stack.k8s.get(ROUTE, 'secured', namespace)
  const [certificate] = await stack.until(
    { kind: KNATIVE_CERTIFICATE, namespace, name: `route-${route.metadata?.uid}` },
    allTrue('Ready'),
    'issued',
  )
  // For `plumbline recover`, should this run be killed before it has removed them.
  for (const id of (await made(stack)).filter((each) => !there.has(nameOf(each)))) stack.journal.made(id)
  return { url: new URL(String(service?.status?.url)), certificate: certificate?.metadata?.name ?? '', ca, key }
}

const nameOf = ({ kind, namespace, name }: ObjectId): string => `${kind} ${namespace}/${name}`

/**
 * What Knative, net-istio and cert-manager make of certificates for Routes: the certificates, their secrets, the copies of these beside
 * the gateway, and a Gateway for each Ingress, which net-istio leaves when TLS goes off.
 */
async function made(stack: Parts): Promise<ObjectId[]> {
  const ids = (kind: string, items: readonly KubernetesObject[]) =>
    items.map(({ metadata }) => ({ kind, name: metadata?.name ?? '', namespace: metadata?.namespace }))
  const [certificates, issued, gateways, secrets] = await Promise.all([
    stack.k8s.list(KNATIVE_CERTIFICATE),
    stack.k8s.list(CERTIFICATE),
    stack.k8s.list(GATEWAY, { labels: 'networking.internal.knative.dev/ingress' }),
    stack.k8s.list('v1/Secret'),
  ])
  const ofCertificates = new Set(
    certificates.items.map(({ metadata, spec }) => `${metadata?.namespace}/${spec?.secretName}`),
  )
  const ofKnative = secrets.items.filter(
    ({ metadata }) =>
      metadata?.labels?.['networking.internal.knative.dev/certificate-uid'] ||
      ofCertificates.has(`${metadata?.namespace}/${metadata?.name}`),
  )
  // One of Knative's own is there from its installation, and has cert-manager's only once something issues it.
  const byKnative = issued.items.filter(
    ({ metadata }) => metadata?.annotations?.['networking.knative.dev/certificate.class'],
  )
  return [
    ...ids(KNATIVE_CERTIFICATE, certificates.items),
    ...ids(CERTIFICATE, byKnative),
    ...ids(GATEWAY, gateways.items),
    ...ids('v1/Secret', ofKnative),
  ]
}

/** Removes what was made meanwhile, but for what goes with a namespace of ours. */
async function forget(stack: Parts, there: ReadonlySet<string>): Promise<void> {
  const fresh = (await made(stack)).filter((each) => !there.has(nameOf(each)))
  await Promise.all(fresh.map((id) => stack.k8s.delete(id)))
  const ids = new Set(fresh.map(nameOf))
  for (const entry of stack.journal.pending()) if (ids.has(nameOf(entry.object))) stack.journal.undone(entry.seq)
}
