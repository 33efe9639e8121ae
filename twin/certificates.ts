import 'reflect-metadata'
import { createPrivateKey, webcrypto as nodeCrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

// x509's types are of the web's own Crypto, which Node's is.
const webcrypto = nodeCrypto as unknown as Crypto
x509.cryptoProvider.set(webcrypto)

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
}

/** A certificate and its key as PEM. */
export interface Pem {
  cert: string
  key: string
}

/** A certificate authority: what it signs with, and the name that it signs as. */
export interface Authority extends Pem {
  subject: string
  signingKey: CryptoKey
  algorithm: typeof ECDSA | typeof RSA
}

/** What a certificate is to say. */
export interface Request {
  subject: string
  /** DNS names, IP addresses and URIs. */
  names: readonly string[]
  notAfter: Date
  rsa?: boolean
}

const newKeys = (rsa = false): Promise<CryptoKeyPair> =>
  webcrypto.subtle.generateKey(rsa ? RSA : ECDSA, true, ['sign', 'verify'])

// A positive number of sixteen digits.
const serial = (): string =>
  `1${Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
    .toString('hex')
    .slice(1)}`

async function keyPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`
}

/** Makes an authority that signs itself, for ten years. */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await newKeys()
  const subject = `CN=${commonName}`
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: subject,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3650 * 86_400_000),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  const key = await keyPem(keys.privateKey)
  return { subject, signingKey: keys.privateKey, algorithm: ECDSA, cert: `${certificate.toString('pem')}\n`, key }
}

/**
 * Reads an authority from PEM.
 * @throws Error saying what is wrong: no certificate, no key, one that is not the other's, or a certificate that may
 * not sign
 */
export async function readAuthority({ cert, key }: Pem): Promise<Authority> {
  const certificate = new x509.X509Certificate(cert)
  const secret = createPrivateKey(key)
  const algorithm = secret.asymmetricKeyType === 'rsa' ? RSA : ECDSA
  const der = secret.export({ type: 'pkcs8', format: 'der' })
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  if (!certificate.getExtension(x509.BasicConstraintsExtension)?.ca) throw new Error('signing certificate is not a CA')
  const probe = new Uint8Array([1])
  const signature = await webcrypto.subtle.sign(algorithm, signingKey, probe)
  const publicKey = await certificate.publicKey.export(algorithm, ['verify'])
  if (!(await webcrypto.subtle.verify(algorithm, publicKey, signature, probe)))
    throw new Error('tls: private key does not match public key')
  return { subject: certificate.subject, signingKey, algorithm, cert, key }
}

const alternative = (name: string): x509.JsonGeneralName => {
  if (/^\w+:\/\//.test(name)) return { type: 'url', value: name }
  return /^[\d.]+$/.test(name) ? { type: 'ip', value: name } : { type: 'dns', value: name }
}

/** Has an authority sign a certificate of a new key. */
export async function issue(authority: Authority, { subject, names, notAfter, rsa }: Request): Promise<Pem> {
  const keys = await newKeys(rsa)
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject,
    issuer: authority.subject,
    notBefore: new Date(Math.floor(Date.now() / 1000) * 1000),
    notAfter,
    signingAlgorithm: authority.algorithm,
    signingKey: authority.signingKey,
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension(usages),
      ...(names.length ? [new x509.SubjectAlternativeNameExtension(names.map(alternative))] : []),
    ],
  })
  return { cert: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}

/** What a certificate in PEM says of itself, the first of a chain. */
export function readCertificate(pem: string): { notBefore: Date; notAfter: Date; names: string[]; issuer: string } {
  const certificate = new x509.X509Certificate(pem.split(/(?<=-----END CERTIFICATE-----)/)[0] ?? '')
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? []
  const { notBefore, notAfter, issuer } = certificate
  return { notBefore, notAfter, issuer, names: names.map(({ value }) => value) }
}
