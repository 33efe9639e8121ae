import type { X509Certificate } from 'node:crypto'
import type { KubernetesObject } from '../core/object.ts'
import { CERTIFICATE } from './cert-manager.ts'
import { readCertificates } from '../traffic/certificates.ts'
import { objectName } from '../kube/object-id.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Webhooks } from '../cluster/webhooks.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The least remaining lifetime of a certificate that nothing renews. */
const WITHOUT_RENEWAL_MS = 30 * DAY_MS
/**
 * One that a component renews by itself is in time for longer than this; Knative's, of a week, are renewed a day before
 * their end.
 */
const WITH_RENEWAL_MS = 12 * HOUR_MS
/** How long a renewal may take: a failed one is retried after an hour. */
const RENEWAL_TAKES_MS = 2 * HOUR_MS

/**
 * Components that renew the CA of their own webhooks, by the namespace of the Service;
 * knative.dev/pkg/webhook/certificates, cert-manager's dynamic authority.
 */
const RENEW_THEIR_OWN = ['knative-serving', 'cert-manager']

/** How many serving certificates there are, and a sentence for each that expires without being renewed. */
export interface Expiry {
  certificates: number
  secrets: number
  bundles: number
  troubles: string[]
}

/**
 * Reads every Certificate, every Gateway's credentialName Secret, every webhook's CA bundle and the mesh's root
 * certificate.
 */
export async function expiry(stack: Cluster & { webhooks: Webhooks }, now = Date.now()): Promise<Expiry> {
  const [certificates, secrets, bundles, rootProblems] = await Promise.all([
    certificateTroubles(stack, now),
    gatewayTroubles(stack, now),
    webhookTroubles(stack, now),
    rootTroubles(stack, now),
  ])
  return {
    certificates: certificates.count,
    secrets: secrets.count,
    bundles: bundles.count,
    troubles: [...certificates.troubles, ...secrets.troubles, ...bundles.troubles, ...rootProblems],
  }
}

interface Inspection {
  count: number
  troubles: string[]
}

async function certificateTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Inspection> {
  const certificates = await stack.all(CERTIFICATE)
  const troubles = certificates.flatMap((certificate) => {
    const name = `Certificate ${certificate.metadata?.namespace}/${certificate.metadata?.name}`
    const { notAfter, renewalTime } = (certificate.status ?? {}) as { notAfter?: string; renewalTime?: string }
    const ready = conditionOf(certificate, 'Ready')
    const message = ready?.message ?? 'cert-manager has not set a Ready condition yet'
    if (notAfter && new Date(notAfter).getTime() < now) return [`${name} expired at ${notAfter}: ${message}`]
    if (renewalTime && new Date(renewalTime).getTime() + RENEWAL_TAKES_MS < now)
      return [`${name} was due for renewal at ${renewalTime} and has not been renewed: ${message}`]
    return ready?.status === 'True' ? [] : [`${name} is not Ready: ${message}`]
  })
  return { count: certificates.length, troubles }
}

async function gatewayTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Inspection> {
  const { namespace } = await gatewayName(stack)
  const gateways = await stack.all('networking.istio.io/v1beta1/Gateway')
  const users = Map.groupBy(gateways.flatMap(credentialUsers), ({ credentialName }) => credentialName)
  const troubles: string[] = []
  for (const [name, servers] of users) {
    const secret = await stack.k8s.find('v1/Secret', name, namespace)
    const [leaf] = readCertificates(
      Buffer.from(String(secret?.data?.['tls.crt'] ?? secret?.data?.cert ?? ''), 'base64').toString(),
    )
    if (!leaf)
      troubles.push(
        ...servers.map(
          ({ gateway, hosts }) =>
            `${gateway}: credentialName ${name} ${secret ? 'is unusable' : 'not found'}: Secret ${namespace}/${name} ` +
            `${secret ? 'has no certificate' : 'does not exist'}, so HTTPS for ${hosts.join(', ')} fails`,
        ),
      )
    else if (!renewedBy(secret))
      troubles.push(
        ...endTrouble(`Secret ${namespace}/${name} (owned by no Certificate)`, leaf, now, WITHOUT_RENEWAL_MS),
      )
  }
  return { count: users.size, troubles }
}

/** The servers of a Gateway that name a credential, each with its hosts. */
const credentialUsers = (gateway: KubernetesObject) =>
  ((gateway.spec?.servers ?? []) as { hosts?: string[]; tls?: { credentialName?: string } }[]).flatMap(
    ({ hosts = [], tls }) =>
      tls?.credentialName ? [{ gateway: objectName(gateway), hosts, credentialName: tls.credentialName }] : [],
  )

const renewedBy = (secret: KubernetesObject | undefined): string | undefined =>
  secret?.metadata?.annotations?.['cert-manager.io/certificate-name']

async function webhookTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Inspection> {
  const webhooks = (await stack.webhooks.all()).filter(({ caBundle }) => caBundle)
  const troubles = webhooks.flatMap(({ configuration, name, caBundle, service }) => {
    const bundle = readCertificates(Buffer.from(caBundle ?? '', 'base64').toString())
    const what = `webhook ${configuration}/${name}: the CA in clientConfig.caBundle`
    if (bundle.length === 0) return [`webhook ${configuration}/${name}: clientConfig.caBundle has no certificate`]
    const allowed = RENEW_THEIR_OWN.includes(service.namespace) ? WITH_RENEWAL_MS : WITHOUT_RENEWAL_MS
    // One valid certificate is enough: a bundle may have the old CA beside the new one.
    const expiring = bundle.map((certificate) => endTrouble(what, certificate, now, allowed))
    return expiring.some((trouble) => trouble.length === 0) ? [] : expiring.flat()
  })
  return { count: webhooks.length, troubles }
}

async function rootTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<string[]> {
  const { namespace } = await gatewayName(stack)
  const map = await stack.maybe('v1/ConfigMap', 'istio-ca-root-cert', namespace)
  const roots = readCertificates(String(map?.data?.['root-cert.pem'] ?? ''))
  if (roots.length === 0) return [`ConfigMap ${namespace}/istio-ca-root-cert: root-cert.pem has no certificate`]
  return roots.flatMap((root) => endTrouble("the mesh's root certificate", root, now, WITHOUT_RENEWAL_MS))
}

function endTrouble(what: string, certificate: X509Certificate, now: number, allowed: number): string[] {
  const left = new Date(certificate.validTo).getTime() - now
  if (left > allowed) return []
  const when = new Date(certificate.validTo).toISOString()
  return [left < 0 ? `${what} expired at ${when}` : `${what} expires at ${when}, in ${(left / DAY_MS).toFixed(1)} days`]
}
