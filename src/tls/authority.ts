import 'reflect-metadata'
import { webcrypto as nodeCrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

// x509's types are of the web's own Crypto, which Node's is.
const webcrypto = nodeCrypto as unknown as Crypto
x509.cryptoProvider.set(webcrypto)

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** What an authority is called, and how long it lives. */
export interface AuthorityOptions {
  organization?: string
  days?: number
}

/** A certificate authority of a run, as PEM. */
export interface AuthorityPem {
  cert: string
  key: string
}

/**
 * Makes an authority that signs itself; for a day where not told otherwise: long enough for a run, and no use to
 * anybody after it.
 */
export async function makeAuthority(
  commonName: string,
  { organization, days = 1 }: AuthorityOptions = {},
): Promise<AuthorityPem> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [...(organization ? [`O=${organization}`] : []), `CN=${commonName}`].join(', '),
    // Clocks of a cluster differ by seconds.
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + days * DAY_MS),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      // A sabotage has a gateway show it as its own, and BoringSSL takes no EC certificate that may not sign
      // handshakes.
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { cert: `${certificate.toString('pem')}\n`, key: x509.PemConverter.encode(der, 'PRIVATE KEY') }
}
