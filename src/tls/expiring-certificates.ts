import type { X509Certificate } from 'node:crypto'
import type { KubernetesObject } from '../core/object.ts'
import { CERTIFICATE } from './cert-manager.ts'
import { readCertificates } from '../traffic/certificates.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Webhooks } from '../cluster/webhooks.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A certificate that nothing renews must have so long to go. */
const WITHOUT_RENEWAL_MS = 30 * DAY_MS
/** One that a component renews by itself is in time for longer than this; Knative's, of a week, are renewed a day before their end. */
const WITH_RENEWAL_MS = 12 * HOUR_MS
/** A renewal takes its time, and is tried again an hour after it failed. */
const RENEWAL_TAKES_MS = 2 * HOUR_MS

/** Components that renew the CA of their own webhooks, by the namespace of the Service; knative.dev/pkg/webhook/certificates, cert-manager's dynamic authority. */
const RENEW_THEIR_OWN = ['knative-serving', 'cert-manager']

/** The certificates of the cluster that serve, and a sentence for each that will end with nobody to renew it. */
export interface Expiry {
  certificates: number
  secrets: number
  bundles: number
  troubles: string[]
}

/** Looks at every Certificate, every secret that a Gateway shows, every webhook's CA and the mesh's root. */
export async function expiry(stack: Cluster & { webhooks: Webhooks }, now = Date.now()): Promise<Expiry> {
  const [ofCertManager, ofGateways, ofWebhooks, ofMesh] = await Promise.all([
    certificateTroubles(stack, now),
    gatewayTroubles(stack, now),
    webhookTroubles(stack, now),
    rootTroubles(stack, now),
  ])
  return {
    certificates: ofCertManager.count,
    secrets: ofGateways.count,
    bundles: ofWebhooks.count,
    troubles: [...ofCertManager.troubles, ...ofGateways.troubles, ...ofWebhooks.troubles, ...ofMesh],
  }
}

interface Found {
  count: number
  troubles: string[]
}

async function certificateTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Found> {
  const certificates = await stack.all(CERTIFICATE)
  const troubles = certificates.flatMap((certificate) => {
    const name = `Certificate ${certificate.metadata?.namespace}/${certificate.metadata?.name}`
    const { notAfter, renewalTime } = (certificate.status ?? {}) as { notAfter?: string; renewalTime?: string }
    const ready = conditionOf(certificate, 'Ready')
    if (notAfter && new Date(notAfter).getTime() < now)
      return [`${name} expired at ${notAfter}: ${ready?.message ?? ''}`]
    if (renewalTime && new Date(renewalTime).getTime() + RENEWAL_TAKES_MS < now)
      return [`${name} was to be renewed at ${renewalTime}, and is not: ${ready?.message ?? ''}`]
    return ready?.status === 'True'
      ? []
      : [`${name} is not Ready: ${ready?.message ?? 'cert-manager says nothing of it'}`]
  })
  return { count: certificates.length, troubles }
}

async function gatewayTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Found> {
  const { namespace } = stack.config.gateway
  const gateways = await stack.all('networking.istio.io/v1beta1/Gateway')
  const names = new Set(
    gateways.flatMap(({ spec }) =>
      ((spec?.servers ?? []) as { tls?: { credentialName?: string } }[]).flatMap(
        ({ tls }) => tls?.credentialName ?? [],
      ),
    ),
  )
  const troubles: string[] = []
  for (const name of names) {
    const secret = await stack.k8s.find('v1/Secret', name, namespace)
    const [leaf] = readCertificates(
      Buffer.from(String(secret?.data?.['tls.crt'] ?? secret?.data?.cert ?? ''), 'base64').toString(),
    )
    if (!leaf)
      troubles.push(
        `a Gateway shows the secret ${namespace}/${name}, which ${secret ? 'has no certificate' : 'is not there'}`,
      )
    else if (!renewedBy(secret))
      troubles.push(
        ...endTrouble(`secret ${namespace}/${name}, which no Certificate owns,`, leaf, now, WITHOUT_RENEWAL_MS),
      )
  }
  return { count: names.size, troubles }
}

const renewedBy = (secret: KubernetesObject | undefined): string | undefined =>
  secret?.metadata?.annotations?.['cert-manager.io/certificate-name']

async function webhookTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<Found> {
  const webhooks = (await stack.webhooks.all()).filter(({ caBundle }) => caBundle)
  const troubles = webhooks.flatMap(({ configuration, name, caBundle, service }) => {
    const bundle = readCertificates(Buffer.from(caBundle ?? '', 'base64').toString())
    const what = `the CA bundle of webhook ${configuration}/${name}`
    if (bundle.length === 0) return [`${what} is no certificate`]
    const allowed = RENEW_THEIR_OWN.includes(service.namespace) ? WITH_RENEWAL_MS : WITHOUT_RENEWAL_MS
    // One that is in time is enough: a bundle may hold the old CA beside the new one.
    const each = bundle.map((certificate) => endTrouble(what, certificate, now, allowed))
    return each.some((trouble) => trouble.length === 0) ? [] : each.flat()
  })
  return { count: webhooks.length, troubles }
}

async function rootTroubles(stack: Cluster & { webhooks: Webhooks }, now: number): Promise<string[]> {
  const { namespace } = stack.config.gateway
  const map = await stack.maybe('v1/ConfigMap', 'istio-ca-root-cert', namespace)
  const roots = readCertificates(String(map?.data?.['root-cert.pem'] ?? ''))
  if (roots.length === 0) return [`ConfigMap ${namespace}/istio-ca-root-cert has no certificate`]
  return roots.flatMap((root) => endTrouble("the mesh's root", root, now, WITHOUT_RENEWAL_MS))
}

function endTrouble(what: string, certificate: X509Certificate, now: number, allowed: number): string[] {
  const left = new Date(certificate.validTo).getTime() - now
  if (left > allowed) return []
  const when = new Date(certificate.validTo).toISOString()
  return [left < 0 ? `${what} expired at ${when}` : `${what} ends at ${when}, in ${(left / DAY_MS).toFixed(1)} days`]
}
