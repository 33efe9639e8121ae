import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { randomBytes, type X509Certificate } from 'node:crypto'
import { makeAuthority, type AuthorityPem } from './authority.ts'
import { readCertificates } from '../traffic/certificates.ts'
import { allTrue, conditionOf, type Condition } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'

export const CERT_MANAGER = 'cert-manager'
export const CERTIFICATE = 'cert-manager.io/v1/Certificate'
export const CLUSTER_ISSUER = 'cert-manager.io/v1/ClusterIssuer'
const ISSUER = 'cert-manager.io/v1/Issuer'
const API = 'cert-manager.io/v1'

/** The version of a Deployment of cert-manager: its label's, or its image's. */
export function versionOf(deployment: KubernetesObject | undefined): string {
  const image = String(deployment?.spec?.template?.spec?.containers?.[0]?.image ?? '')
  return deployment?.metadata?.labels?.['app.kubernetes.io/version'] ?? image.split(':')[1] ?? ''
}

/** A certificate that cert-manager issued into a secret. */
export interface IssuedCertificate {
  name: string
  secretName: string
  chain: X509Certificate[]
}

/** cert-manager: an authority of the run, and certificates of it. */
export class CertManager {
  readonly #cluster: Cluster
  readonly #changes: Changes

  constructor(cluster: Cluster, changes: Changes) {
    this.#cluster = cluster
    this.#changes = changes
  }

  /** A ClusterIssuer of an authority that was made for this run, Ready. Its secret is in cert-manager's own namespace. */
  authority(): Promise<{ issuer: string; ca: X509Certificate; pem: AuthorityPem }> {
    return this.#cluster.shared('authority', async () => {
      // No name that was there before: cert-manager would sign with the key of that name's last authority for a moment, out of its cache.
      const issuer = `plumb-ca-${this.#cluster.runTag}-${randomBytes(3).toString('hex')}`
      const pem = await makeAuthority(issuer)
      await this.#changes.place(
        secretOf(issuer, CERT_MANAGER, 'kubernetes.io/tls', { 'tls.crt': pem.cert, 'tls.key': pem.key }),
      )
      await this.#changes.place({
        apiVersion: API,
        kind: 'ClusterIssuer',
        metadata: { name: issuer },
        spec: { ca: { secretName: issuer } },
      })
      await this.#cluster.until({ kind: CLUSTER_ISSUER, name: issuer }, allTrue('Ready'), 'issued')
      const [ca] = readCertificates(pem.cert)
      return { issuer, ca: ca!, pem }
    })
  }

  /**
   * What cert-manager says of an Issuer of ours that cannot become Ready: on a secret with Istio's key names, or on none.
   * @throws StackFailure where it is Ready all the same, or nothing is said of it in time
   */
  async refusalOf(issuer: { namespace?: string; secretName: string }): Promise<string> {
    const { namespace, secretName } = issuer
    const name = `plumb-refused-${this.#cluster.runTag}`
    const metadata = { name, ...(namespace ? { namespace } : {}) }
    const kind = namespace ? 'Issuer' : 'ClusterIssuer'
    const placed = await this.#changes.place({ apiVersion: API, kind, metadata, spec: { ca: { secretName } } })
    const [judged] = await this.#cluster.until(
      { kind: namespace ? ISSUER : CLUSTER_ISSUER, name, namespace },
      ([found]) => (found && conditionOf(found, 'Ready') ? undefined : 'nothing is said of it yet'),
      'issued',
    )
    await this.#changes.remove(placed)
    const ready = judged && conditionOf(judged, 'Ready')
    if (ready?.status === 'True') throw new StackFailure(`${kind} ${name} is Ready on the secret ${secretName}.`)
    return `${ready?.reason}: ${ready?.message}`
  }

  /** A secret with an authority's pair under the names that Istio's own CA has them by. */
  async secretWithIstiosKeys(namespace: string): Promise<string> {
    const { pem } = await this.authority()
    const name = 'istio-ca-secret'
    await this.#cluster.apply(
      secretOf(name, namespace, 'istio.io/ca-root', { 'ca-cert.pem': pem.cert, 'ca-key.pem': pem.key }),
    )
    return name
  }

  /**
   * A Certificate of the run's authority beside the gateway, for the time of the running check, and its secret; both go with it.
   * @throws StackFailure where it does not become Ready in time
   */
  async certificate(name: string, dnsNames: readonly string[]): Promise<IssuedCertificate> {
    const { issuer } = await this.authority()
    const { namespace } = this.#cluster.config.gateway
    const full = `plumb-${name}-${this.#cluster.runTag}`
    // cert-manager leaves the secret of a Certificate that is deleted.
    this.#changes.willRemove({ kind: 'v1/Secret', name: full, namespace })
    await this.#changes.place({
      apiVersion: API,
      kind: 'Certificate',
      metadata: { name: full, namespace },
      spec: {
        secretName: full,
        dnsNames,
        issuerRef: { kind: 'ClusterIssuer', name: issuer },
        duration: '12h',
        renewBefore: '1h',
      },
    })
    await this.#cluster.until({ kind: CERTIFICATE, namespace, name: full }, isIssued, 'issued')
    return { name: full, secretName: full, chain: await this.chainIn(full, namespace) }
  }

  /**
   * The chain in a secret, its own certificate first.
   * @throws StackFailure where the secret is missing, or has none under tls.crt
   */
  async chainIn(secretName: string, namespace: string): Promise<X509Certificate[]> {
    const secret = await this.#cluster.k8s.get('v1/Secret', secretName, namespace)
    const keys = Object.keys(secret.data ?? {})
    const chain = readCertificates(decode(secret, 'tls.crt'))
    if (chain.length === 0)
      throw new StackFailure(
        `Secret ${namespace}/${secretName} has no certificate under tls.crt; its keys are ${keys.join(', ') || 'none'}.`,
      )
    return chain
  }

  /**
   * Deletes the secret of a Certificate, for cert-manager to issue it again.
   * @throws StackFailure where no Certificate owns the secret: it would not come back
   */
  async deleteSecret(secretName: string, namespace: string): Promise<void> {
    const { items } = await this.#cluster.k8s.list(CERTIFICATE, { namespace })
    if (!items.some((certificate) => certificate.spec?.secretName === secretName))
      throw new StackFailure(
        `Secret ${namespace}/${secretName} is no Certificate's: deleted, it would not come back, and the gateway would have nothing to show.`,
      )
    await this.#cluster.k8s.delete({ kind: 'v1/Secret', name: secretName, namespace })
  }

  /** Asks cert-manager to renew a Certificate of ours now, as cmctl renew does: by the condition Issuing. */
  async renew(name: string): Promise<void> {
    const { namespace } = this.#cluster.config.gateway
    const certificate = await this.#cluster.k8s.get(CERTIFICATE, name, namespace)
    const others = ((certificate.status?.conditions ?? []) as { type: string }[]).filter(
      ({ type }) => type !== 'Issuing',
    )
    const issuing = {
      type: 'Issuing',
      status: 'True',
      reason: 'ManuallyTriggered',
      message: 'Certificate re-issuance manually triggered',
      lastTransitionTime: new Date().toISOString(),
      observedGeneration: certificate.metadata?.generation,
    }
    const status = { conditions: [...others, issuing] }
    await this.#cluster.k8s.patch({ kind: CERTIFICATE, name, namespace }, { status }, { subresource: 'status' })
  }

  /** Waits until a secret has a certificate of another serial number, and gives that. */
  async untilReissued(secretName: string, before: string): Promise<string> {
    const { namespace } = this.#cluster.config.gateway
    let serial = ''
    await this.#cluster.until(
      { kind: 'v1/Secret', namespace, name: secretName },
      ([secret]) => {
        const [leaf] = secret ? readCertificates(decode(secret, 'tls.crt')) : []
        serial = leaf?.serialNumber ?? ''
        if (!leaf) return secret ? 'it has no certificate yet' : 'it is not there'
        return serial === before ? `it still has the serial number ${before}` : undefined
      },
      'issued',
    )
    return serial
  }
}

/**
 * Ready, and nothing under way. cert-manager says Ready a moment before it ends the issuing: a secret that is deleted then is written
 * again from the same request, with the same serial number.
 */
const isIssued: Condition = (certificates) =>
  allTrue('Ready')(certificates) ??
  (certificates.some((each) => conditionOf(each, 'Issuing')?.status === 'True') ? 'it is still issued' : undefined)

const decode = (secret: KubernetesObject, key: string): string =>
  Buffer.from(String(secret.data?.[key] ?? ''), 'base64').toString()

function secretOf(name: string, namespace: string, type: string, data: Record<string, string>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, stringData: data }
}
