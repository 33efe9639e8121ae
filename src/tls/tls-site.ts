import type { X509Certificate } from 'node:crypto'
import { StackFailure } from '../core/problem.ts'
import type { IssuedCertificate } from './cert-manager.ts'
import { chainTroubles } from '../traffic/certificates.ts'
import type { Handshake } from '../traffic/handshake.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CertManager } from './cert-manager.ts'
import type { Ingress } from '../traffic/ingress.ts'

type Parts = Cluster & { certManager: CertManager; ingress: Ingress }

/** A host on the gateway's 443 with a certificate of the run's authority. */
export class TlsSite {
  readonly host: string
  readonly certificate: IssuedCertificate
  readonly ca: X509Certificate
  readonly #stack: Parts

  private constructor(stack: Parts, host: string, certificate: IssuedCertificate, ca: X509Certificate) {
    this.#stack = stack
    this.host = host
    this.certificate = certificate
    this.ca = ca
  }

  /** Makes a site for the running check, and waits until every gateway shows its certificate. */
  static async open(stack: Parts, name: string): Promise<TlsSite> {
    const namespace = await stack.namespace(name)
    const host = `site.${namespace}.test`
    const [{ ca }, certificate] = await Promise.all([
      stack.certManager.authority(),
      stack.certManager.certificate(name, [host]),
    ])
    await stack.applyFixture('tls/site.yaml', { namespace, host, secret: certificate.secretName })
    const site = new TlsSite(stack, host, certificate, ca)
    await site.untilServed(certificate.chain[0]?.serialNumber ?? '')
    return site
  }

  /** The same, once a run, for checks that only look at it. */
  static shared(stack: Parts): Promise<TlsSite> {
    return stack.shared('tls-site', () => TlsSite.open(stack, 'tls-site'))
  }

  /** One handshake that asks for the site. */
  async handshake(more: { session?: string; maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' } = {}): Promise<Handshake> {
    return this.#stack.ingress.handshake({ sni: this.host, ...more })
  }

  /**
   * Waits until twenty handshakes in a row show a certificate: through the load balancer every gateway is met by then.
   * @throws StackFailure at the deadline, with what was shown last
   */
  async untilServed(serial: string): Promise<void> {
    await this.#stack.eventually(
      `the certificate ${serial} for ${this.host} at the gateway`,
      async () => {
        const { error, chain } = await this.handshake()
        if (error) return `the handshake failed (${error})`
        return chain[0]?.serialNumber === serial ? undefined : `it shows ${chain[0]?.serialNumber}`
      },
      'served',
      20,
    )
  }

  /** What is wrong with what the gateway shows; none where it is right. */
  async troubles(): Promise<string[]> {
    const { error, chain } = await this.handshake()
    if (error) throw new StackFailure(`The gateway refused a TLS handshake for ${this.host} (${error}).`)
    return chainTroubles(chain, this.ca, this.host)
  }
}
