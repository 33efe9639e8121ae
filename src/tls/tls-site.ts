import type { X509Certificate } from 'node:crypto'
import { StackFailure } from '../core/problem.ts'
import type { IssuedCertificate } from './cert-manager.ts'
import { chainTroubles } from '../traffic/certificates.ts'
import type { Handshake } from '../traffic/handshake.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CertManager } from './cert-manager.ts'
import type { Ingress } from '../traffic/ingress.ts'

type Parts = Cluster & { certManager: CertManager; ingress: Ingress }

/** A host on the gateway's port 443 with a certificate that the run's CA signed. */
export class TlsSite {
  readonly host: string
  readonly certificate: IssuedCertificate
  readonly ca: X509Certificate
  readonly #stack: Parts
  readonly #namespace: string

  private constructor(stack: Parts, namespace: string, certificate: IssuedCertificate, ca: X509Certificate) {
    this.#stack = stack
    this.#namespace = namespace
    this.host = hostIn(namespace)
    this.certificate = certificate
    this.ca = ca
  }

  /** Makes a site for the running check, and waits until every gateway shows its certificate. */
  static async open(stack: Parts, name: string): Promise<TlsSite> {
    const namespace = await stack.namespace(name)
    const host = hostIn(namespace)
    const [{ ca }, certificate] = await Promise.all([
      stack.certManager.authority(),
      stack.certManager.certificate(name, [host]),
    ])
    await stack.applyFixture('tls/site.yaml', { namespace, host, secret: certificate.secretName })
    const site = new TlsSite(stack, namespace, certificate, ca)
    await site.untilServed(certificate.chain[0]?.serialNumber ?? '')
    return site
  }

  /** One site for the run, for checks that do not change it. */
  static shared(stack: Parts): Promise<TlsSite> {
    return stack.shared('tls-site', () => TlsSite.open(stack, 'tls-site'))
  }

  /**
   * Has the gateway send plain HTTP for the host on to HTTPS.
   * @throws DoesNotApply where the gateway has no port for plain HTTP
   */
  async redirectHttp(): Promise<void> {
    await this.#stack.applyFixture('tls/redirect.yaml', { namespace: this.#namespace, host: this.host })
  }

  /** One handshake with the site's host as SNI. */
  async handshake(more: { session?: string; maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' } = {}): Promise<Handshake> {
    return this.#stack.ingress.handshake({ sni: this.host, ...more })
  }

  /**
   * Waits until so many handshakes in a row show a certificate that they reached every gateway pod.
   * @throws StackFailure at the deadline, with the certificate that was shown last
   */
  async untilServed(serial: string): Promise<void> {
    await this.#stack.eventually(
      `the certificate with serial number ${serial} for ${this.host} from every gateway pod`,
      async () => {
        const { error, chain } = await this.handshake()
        if (error) return `the TLS handshake failed (${error})`
        return chain[0]?.serialNumber === serial ? undefined : `one serves serial number ${chain[0]?.serialNumber}`
      },
      'served',
      { inARow: await this.#stack.ingress.requestsToMeetAll() },
    )
  }

  /** What is wrong with the certificate that the gateway shows; empty if nothing is. */
  async troubles(): Promise<string[]> {
    const { error, chain } = await this.handshake()
    if (error) throw new StackFailure(`TLS handshake with the gateway for ${this.host} failed: ${error}.`)
    return chainTroubles(chain, this.ca, this.host)
  }
}

const hostIn = (namespace: string): string => `site.${namespace}.test`
