import type { X509Certificate } from 'node:crypto'
import { parse } from 'yaml'
import type { Changes } from '../cluster/changes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { workloadNamespace } from '../cluster/workload.ts'
import { DoesNotApply, NotLookedAt, StackFailure } from '../core/problem.ts'
import { externalTlsKey, issuesCertificatesItself } from '../knative/settings.ts'
import type { Knative } from '../knative/knative.ts'
import { tuneSetting } from '../knative/tune-setting.ts'
import { INGRESS, SERVICE } from '../kube/kinds.ts'
import { allTrue } from '../kube/until.ts'
import { knativeComponent, theKnative } from '../survey/surveyed.ts'
import { workloadId } from '../survey/workload-id.ts'
import { readCertificates } from '../traffic/certificates.ts'
import type { CertManager } from './cert-manager.ts'
import { CertificateObjects } from './certificate-objects.ts'
import { requireOwnRoutesOnly } from './route-owners.ts'

type Parts = Cluster & { certManager: CertManager; changes: Changes; knative: Knative }

/** One of our own Services, with the certificate that Knative requested for it. */
export interface SecuredService {
  url: URL
  /** The name of its certificate's Secret. */
  certificate: string
  ca: X509Certificate
  key: string
}

/**
 * One of our own Services whose URL is https. Where external domain TLS is on, nothing is changed: the Service gets a
 * certificate as any other does. Where it is off, it is turned on with the run's CA until the running check ends; that
 * is done only where all Routes are ours, since Knative has one setting and one issuer for all.
 * @throws DoesNotApply where others would notice, or a certificate would be ordered from somebody else's CA
 */
export async function securedService(stack: Parts): Promise<SecuredService> {
  const version = await stack.knative.version()
  const key = externalTlsKey(version)
  if ((await theKnative(stack)).externalDomainTls) {
    await requireOwnIssuer(stack)
    return { ...(await createSecured(stack)), key }
  }
  const namespaces = await requireOwnRoutesOnly(stack)
  const { issuer, ca } = await stack.certManager.authority()
  const controller = workloadId(await knativeComponent(stack, 'controller'))
  const restart = async () => {
    if (issuesCertificatesItself(version)) await stack.changes.restart(controller)
  }
  const namespace = await workloadNamespace(stack, 'secured')
  const objects = await CertificateObjects.of(stack, [...new Set([...namespaces, namespace])])
  // When the check ends the settings are restored first, then the controller restarts without TLS, then what was
  // created is deleted.
  stack.changes.atEnd(() => objects.remove())
  stack.changes.atEnd(restart)
  await tuneSetting(stack, 'config-certmanager', { issuerRef: `kind: ClusterIssuer\nname: ${issuer}\n` })
  await tuneSetting(stack, 'config-network', { [key]: 'Enabled' })
  await restart()
  const secured = await createSecured(stack, namespace)
  await objects.note()
  return { ...secured, ca, key }
}

/** Creates the Service, and waits until it is Ready at an https URL; gives what its certificate is signed by. */
async function createSecured(stack: Parts, given?: string): Promise<Omit<SecuredService, 'key'>> {
  const namespace = given ?? (await workloadNamespace(stack, 'secured'))
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
  const { spec } = await stack.k8s.get(INGRESS, 'secured', namespace)
  const [tls] = (spec?.tls ?? []) as { secretName: string; secretNamespace: string }[]
  if (!tls) throw new StackFailure(`Ingress ${namespace}/secured has no spec.tls, though its Service's URL is https.`)
  const secret = await stack.k8s.get('v1/Secret', tls.secretName, tls.secretNamespace)
  const pem = Buffer.from(String(secret.data?.['ca.crt'] ?? ''), 'base64').toString()
  const [ca] = pem ? readCertificates(pem) : []
  if (!ca)
    throw new NotLookedAt(`Secret ${tls.secretNamespace}/${tls.secretName} has no ca.crt: who signed it is not known.`)
  return { url: new URL(String(service?.status?.url)), certificate: tls.secretName, ca }
}

/** Kinds of issuers that sign in the cluster, or at a CA of one's own: a certificate more costs nobody anything. */
const OWN = ['ca', 'selfSigned', 'vault']

/** @throws DoesNotApply where Knative's issuer orders certificates from a CA with limits or a price */
async function requireOwnIssuer(stack: Parts): Promise<void> {
  const { namespace } = await theKnative(stack)
  const map = await stack.maybe('v1/ConfigMap', 'config-certmanager', namespace)
  const reference = (parse(String(map?.data?.issuerRef ?? '')) ?? {}) as {
    kind?: string
    name?: string
    group?: string
  }
  const { kind = 'ClusterIssuer', name = 'knative-selfsigned-issuer', group = 'cert-manager.io' } = reference
  if (group !== 'cert-manager.io' || kind !== 'ClusterIssuer')
    throw new DoesNotApply(`external-domain-tls is on with issuer ${kind} ${name} of ${group}, which is left alone.`)
  const { spec = {} } = await stack.one('cert-manager.io/v1/ClusterIssuer', name)
  if (OWN.some((type) => type in (spec as object))) return
  throw new DoesNotApply(
    `external-domain-tls is on, and ClusterIssuer ${name} is of type ${Object.keys(spec as object)[0] ?? 'unknown'}: ` +
      'a certificate for a Service of ours would be ordered from its CA, and count against its limits.',
  )
}
