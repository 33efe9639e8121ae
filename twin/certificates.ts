import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto as Crypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate and its key as PEM. */
export interface Pem {
  cert: string
  key: string
}

/** A certificate authority. */
export interface Authority extends Pem {
  name: string
  keys: webcrypto.CryptoKeyPair
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

const serial = (): string =>
  Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
    .toString('hex')
    .replace(/^./, '1')

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`
}

/** Makes an authority that signs itself, for ten years. */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await newKeys()
  const name = `CN=${commonName}`
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3650 * 86_400_000),
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return { name, keys, cert: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}

/** Has an authority sign a certificate for names (DNS, or IP addresses) or, for a client, a subject. */
export async function issue(
  authority: Authority,
  subject: string,
  names: readonly string[],
  lifetimeMs = 365 * 86_400_000,
): Promise<Pem> {
  const keys = await newKeys()
  const san = names.map((name) => ({ type: /^[\d.]+$/.test(name) ? ('ip' as const) : ('dns' as const), value: name }))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject,
    issuer: authority.name,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + lifetimeMs),
    signingAlgorithm: ALGORITHM,
    signingKey: authority.keys.privateKey as never,
    publicKey: keys.publicKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(san.length ? [new x509.SubjectAlternativeNameExtension(san)] : []),
    ],
  })
  return { cert: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}
