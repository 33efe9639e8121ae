import { DoesNotApply, StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { randomBytes, type X509Certificate } from 'node:crypto'
import { makeAuthority, type AuthorityPem } from './authority.ts'
import { readCertificates } from '../traffic/certificates.ts'
import { objectName } from '../kube/object-id.ts'
import { allTrue, conditionOf, type Condition } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import { valueOf } from '../survey/fact.ts'
import { theCertManager, theGateway } from '../survey/surveyed.ts'

export const CERTIFICATE = 'cert-manager.io/v1/Certificate'
export const CLUSTER_ISSUER = 'cert-manager.io/v1/ClusterIssuer'
const ISSUER = 'cert-manager.io/v1/Issuer'
const API = 'cert-manager.io/v1'

/** A certificate that cert-manager issued into a secret. */
export interface IssuedCertificate {
  name: string
  secretName: string
  namespace: string
  chain: X509Certificate[]
}

/** cert-manager: a CA for the run, and certificates that it signs. */
export class CertManager {
  readonly #cluster: Cluster
  readonly #changes: Changes

  constructor(cluster: Cluster, changes: Changes) {
    this.#cluster = cluster
    this.#changes = changes
  }

  /** A Ready ClusterIssuer with a CA created for this run. Its Secret is where cert-manager looks it up. */
  authority(): Promise<{ issuer: string; ca: X509Certificate; pem: AuthorityPem }> {
    return this.#cluster.shared('authority', async () => {
      // A fresh name each time: for a moment cert-manager would sign with the cached key of an earlier CA of that name.
      const issuer = `plumb-ca-${this.#cluster.runTag}-${randomBytes(3).toString('hex')}`
      const pem = await makeAuthority(issuer)
      const namespace = valueOf((await theCertManager(this.#cluster)).issuerSecretsIn)
      await this.#changes.place(
        secretOf(issuer, namespace, 'kubernetes.io/tls', { 'tls.crt': pem.cert, 'tls.key': pem.key }),
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
   * Creates an Issuer (or a ClusterIssuer without `namespace`) that cannot become Ready, and gives the reason and
   * message of its Ready condition: its Secret does not exist, or has Istio's key names.
   * @throws StackFailure if it is Ready nevertheless, or has no Ready condition in time
   */
  async refusalOf(issuer: { namespace?: string; secretName: string }): Promise<string> {
    const { namespace, secretName } = issuer
    const name = `plumb-refused-${this.#cluster.runTag}`
    const metadata = { name, ...(namespace ? { namespace } : {}) }
    const kind = namespace ? 'Issuer' : 'ClusterIssuer'
    const placed = await this.#changes.place({ apiVersion: API, kind, metadata, spec: { ca: { secretName } } })
    const [judged] = await this.#cluster.until(
      { kind: namespace ? ISSUER : CLUSTER_ISSUER, name, namespace },
      ([object]) =>
        object && conditionOf(object, 'Ready') ? undefined : 'cert-manager has not set a Ready condition yet',
      'issued',
    )
    await this.#changes.remove(placed)
    const ready = judged && conditionOf(judged, 'Ready')
    if (ready?.status === 'True')
      throw new StackFailure(
        `${kind} ${namespace ? `${namespace}/` : ''}${name}: Ready is True with spec.ca.secretName ${secretName}, ` +
          'expected False: cert-manager has no key pair under tls.crt and tls.key there.',
      )
    return `${ready?.reason}: ${ready?.message}`
  }

  /** Creates a Secret with a CA's certificate and key under the key names of Istio's own CA, and gives its name. */
  async createSecretWithIstioKeys(namespace: string): Promise<string> {
    const { pem } = await this.authority()
    const name = 'istio-ca-secret'
    await this.#cluster.apply(
      secretOf(name, namespace, 'istio.io/ca-root', { 'ca-cert.pem': pem.cert, 'ca-key.pem': pem.key }),
    )
    return name
  }

  /**
   * Creates a Certificate of the run's CA where the gateway looks up Secrets. It and its Secret are deleted when the
   * check ends.
   * @throws StackFailure if it does not become Ready in time, DoesNotApply where others approve the requests
   */
  async certificate(name: string, dnsNames: readonly string[]): Promise<IssuedCertificate> {
    if ((await theCertManager(this.#cluster)).approval === 'policy')
      throw new DoesNotApply(
        'cert-manager leaves the approval of CertificateRequests to policies: a request of ours might wait for ever.',
      )
    const { issuer } = await this.authority()
    const { credentialNamespace: namespace } = await theGateway(this.#cluster)
    const full = `plumb-${name}-${this.#cluster.runTag}`
    // cert-manager does not delete the Secret with its Certificate.
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
    return { name: full, secretName: full, namespace, chain: await this.chainIn(full, namespace) }
  }

  /**
   * The certificate chain in a Secret, the leaf first.
   * @throws StackFailure if the Secret does not exist, or has no certificate under tls.crt
   */
  async chainIn(secretName: string, namespace: string): Promise<X509Certificate[]> {
    const secret = await this.#cluster.k8s.get('v1/Secret', secretName, namespace)
    const keys = Object.keys(secret.data ?? {})
    const chain = readCertificates(decode(secret, 'tls.crt'))
    if (chain.length === 0)
      throw new StackFailure(
        `Secret ${namespace}/${secretName}: key tls.crt has no certificate (keys: ${keys.join(', ') || 'none'}).`,
      )
    return chain
  }

  /**
   * Deletes the Secret of a Certificate, so that cert-manager issues it again.
   * @throws StackFailure if no Certificate owns the Secret: it would not come back
   */
  async deleteSecret(secretName: string, namespace: string): Promise<void> {
    const { items } = await this.#cluster.k8s.list(CERTIFICATE, { namespace })
    if (!items.some((certificate) => certificate.spec?.secretName === secretName))
      throw new StackFailure(
        `refusing to delete Secret ${namespace}/${secretName}: ` +
          'no Certificate owns it, so cert-manager would not create it again.',
      )
    await this.#cluster.k8s.delete({ kind: 'v1/Secret', name: secretName, namespace })
  }

  /** Requests a renewal of a Certificate now, as cmctl renew does: with the condition Issuing. */
  async renew({ name, namespace }: IssuedCertificate): Promise<void> {
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

  /** Waits until the Secret of a certificate has one with another serial number, and gives that. */
  async untilReissued({ secretName, namespace }: IssuedCertificate, before: string): Promise<string> {
    let serial = ''
    await this.#cluster.until(
      { kind: 'v1/Secret', namespace, name: secretName },
      ([secret]) => {
        const [leaf] = secret ? readCertificates(decode(secret, 'tls.crt')) : []
        serial = leaf?.serialNumber ?? ''
        if (!leaf) return secret ? 'tls.crt has no certificate yet' : 'the Secret does not exist'
        return serial === before ? `tls.crt still has the certificate with serial number ${before}` : undefined
      },
      'issued',
    )
    return serial
  }
}

/**
 * Ready, and nothing under way. cert-manager says Ready a moment before it ends the issuing: a secret that is deleted
 * then is written again from the same request, with the same serial number.
 */
export const isIssued: Condition = (certificates) =>
  allTrue('Ready')(certificates) ??
  certificates
    .filter((certificate) => conditionOf(certificate, 'Issuing')?.status === 'True')
    .map((certificate) => `${objectName(certificate)}: issuance still in progress (condition Issuing=True)`)[0]

const decode = (secret: KubernetesObject, key: string): string =>
  Buffer.from(String(secret.data?.[key] ?? ''), 'base64').toString()

function secretOf(name: string, namespace: string, type: string, data: Record<string, string>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, stringData: data }
}
