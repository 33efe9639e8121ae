import type { Cluster } from '../cluster/cluster.ts'
import { allServed } from '../cluster/served.ts'
import type { Webhooks } from '../cluster/webhooks.ts'
import type { KubernetesObject } from '../core/object.ts'
import { meshRoots } from '../mesh/workload-certificate.ts'
import { maybeValue, valueOr } from '../survey/fact.ts'
import { stackNamespaces } from '../survey/stack-namespaces.ts'
import { theGateway } from '../survey/surveyed.ts'
import { readCertificates } from '../traffic/certificates.ts'
import { certificateFindings } from './certificates-due.ts'
import { credentialUses, describeUse, type CredentialUse } from './gateway-credentials.ts'
import { byLife, endTrouble, renewerOf, WITHOUT_RENEWAL_MS } from './renewer.ts'

type Parts = Cluster & { webhooks: Webhooks }

/** A certificate in trouble. The stack's own is a failure, a tenant's a remark. */
export interface Finding {
  text: string
  /** The tenant's namespace. */
  tenant?: string | undefined
}

/** How many serving certificates there are, and which of them end without being renewed. */
export interface Expiry {
  certificates: number
  secrets: number
  bundles: number
  findings: Finding[]
}

/** What several parts of the look have in common. */
interface Look {
  now: number
  /** The namespace of an object where it is not the stack's. */
  tenantOf: (namespace: string | undefined) => string | undefined
  certificates: readonly KubernetesObject[]
  uses: readonly CredentialUse[]
}

/**
 * Looks at every Certificate, the Secret of every Gateway's credentialName, every webhook's CA bundle and the mesh's
 * root certificate. A Certificate of the stack that is being issued is waited for.
 */
export async function expiry(stack: Parts, now = Date.now()): Promise<Expiry> {
  const survey = await stack.survey()
  const own = stackNamespaces(survey)
  const [certificates, gatewayObjects] = await Promise.all([
    allServed(stack, 'cert-manager.io/Certificate'),
    allServed(stack, 'networking.istio.io/Gateway'),
  ])
  const uses = credentialUses(gatewayObjects, maybeValue(survey.gateways) ?? [])
  const tenantOf = (namespace: string | undefined) =>
    namespace === undefined || own.has(namespace) ? undefined : namespace
  const look: Look = { now, tenantOf, certificates, uses }
  const roots = await rootFindings(stack, look)
  const [issued, secrets, bundles] = await Promise.all([
    certificateFindings(stack, {
      now,
      certificates,
      tenantOf: (certificate) => tenantOfCertificate(certificate, look),
    }),
    secretFindings(stack, look),
    bundleFindings(stack, look, roots.fingerprints),
  ])
  return {
    certificates: certificates.length,
    secrets: secrets.count,
    bundles: bundles.count,
    findings: [...issued, ...secrets.findings, ...bundles.findings, ...roots.findings],
  }
}

/** A Certificate beside a gateway is a tenant's too, where the Gateways of tenants alone show it. */
function tenantOfCertificate({ metadata, spec }: KubernetesObject, { tenantOf, uses }: Look): string | undefined {
  const tenant = tenantOf(metadata?.namespace)
  if (tenant) return tenant
  const owners = uses
    .filter(({ namespace, secret }) => namespace === metadata?.namespace && secret === spec?.secretName)
    .map(({ gateway }) => tenantOf(gateway.metadata?.namespace))
  return owners.every(Boolean) ? owners[0] : undefined
}

interface Inspection {
  count: number
  findings: Finding[]
}

async function secretFindings(stack: Parts, { now, tenantOf, certificates, uses }: Look): Promise<Inspection> {
  const bySecret = Map.groupBy(uses, ({ namespace, secret }) => `${namespace}/${secret}`)
  const findings = await Promise.all(
    [...bySecret].map(async ([name, [first, ...others]]): Promise<Finding[]> => {
      const { namespace, secret: secretName } = first!
      const isIssued = certificates.some(
        ({ metadata, spec }) => metadata?.namespace === namespace && spec?.secretName === secretName,
      )
      // Its Certificate is looked at.
      if (isIssued) return []
      const secret = await stack.k8s.find('v1/Secret', secretName, namespace)
      const { data } = secret ?? {}
      const [leaf] = readCertificates(Buffer.from(String(data?.['tls.crt'] ?? data?.cert ?? ''), 'base64').toString())
      const users = [first!, ...others]
      if (!leaf) {
        const why = `Secret ${name} ${secret ? 'has no certificate' : 'does not exist'}`
        return users.map((use) => ({
          text: `${describeUse(use)}: ${why}, so HTTPS for ${use.hosts.join(', ')} fails`,
          tenant: tenantOf(use.gateway.metadata?.namespace),
        }))
      }
      const tenants = users.map(({ gateway }) => tenantOf(gateway.metadata?.namespace))
      const { leftMs } = isCopy(secret!) ? byLife(leaf) : { leftMs: WITHOUT_RENEWAL_MS }
      return endTrouble(`Secret ${name} (owned by no Certificate)`, leaf, now, leftMs).map((text) => ({
        text,
        tenant: tenants.every(Boolean) ? tenants[0] : undefined,
      }))
    }),
  )
  return { count: bySecret.size, findings: findings.flat() }
}

/** Marks of a Secret that somebody copies from another place, and so renews. */
const COPIED = [
  'cert-manager.io/certificate-name',
  'reflector.v1.k8s.emberstack.com/reflects',
  'replicator.v1.mittwald.de/replicated-from',
  'reconcile.external-secrets.io/data-hash',
  'networking.internal.knative.dev/certificate-uid',
]

const isCopy = ({ metadata }: KubernetesObject): boolean =>
  (metadata?.ownerReferences ?? []).length > 0 ||
  COPIED.some((mark) => mark in { ...metadata?.labels, ...metadata?.annotations })

async function bundleFindings(
  stack: Parts,
  { now, tenantOf, certificates }: Look,
  roots: ReadonlySet<string>,
): Promise<Inspection> {
  const webhooks = (await stack.webhooks.all()).filter(({ caBundle }) => caBundle)
  const hasCertificate = (name: string) =>
    certificates.some(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === name)
  const findings = webhooks.flatMap(({ configuration, name, caBundle, service, annotations, createdAt }): Finding[] => {
    const bundle = readCertificates(Buffer.from(caBundle ?? '', 'base64').toString())
    const tenant = tenantOf(service.namespace)
    const webhook = `webhook ${configuration}/${name}`
    if (bundle.length === 0) return [{ text: `${webhook}: clientConfig.caBundle has no certificate`, tenant }]
    // One valid certificate is enough: a bundle may have the old CA beside the new one.
    const expiring = bundle.map((ca) => {
      const renewer = renewerOf(ca, { annotations, createdAt, hasCertificate, roots })
      const trouble = endTrouble(
        `${webhook}: the CA in clientConfig.caBundle`,
        ca,
        now,
        renewer?.leftMs ?? WITHOUT_RENEWAL_MS,
      )
      return trouble.map((text) => `${text} (${renewer ? `renewed by ${renewer.who}` : 'nobody is known to renew it'})`)
    })
    return expiring.some((troubles) => troubles.length === 0) ? [] : expiring.flat().map((text) => ({ text, tenant }))
  })
  return { count: webhooks.length, findings }
}

/** The mesh's root: istiod's own, a plugged-in one that nobody renews, or one that istio-csr has from cert-manager. */
async function rootFindings(stack: Parts, { now }: Look): Promise<{ findings: Finding[]; fingerprints: Set<string> }> {
  const { istiods, certManager } = await stack.survey()
  if ('absent' in istiods) return { findings: [], fingerprints: new Set() }
  const [workload] = (await theGateway(stack)).workloads
  const { roots, from } = await meshRoots(stack, workload?.namespace ?? (await theGateway(stack)).service.namespace)
  if (roots.length === 0)
    return { findings: [{ text: `${from}: root-cert.pem has no certificate` }], fingerprints: new Set() }
  const isIssued = Boolean(valueOr(certManager, undefined)?.istioCsr)
  const findings = roots.flatMap((root) =>
    endTrouble(
      `the mesh's root certificate (${from})`,
      root,
      now,
      isIssued ? byLife(root).leftMs : WITHOUT_RENEWAL_MS,
    ).map((text) => ({ text })),
  )
  return { findings, fingerprints: new Set(roots.map(({ fingerprint256 }) => fingerprint256)) }
}
