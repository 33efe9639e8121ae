import { X509Certificate } from 'node:crypto'

/** The certificates of a PEM text, in its order. */
export const readCertificates = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (certificate) => new X509Certificate(certificate),
  )

/**
 * What is wrong with a chain that is to show `host`, its own certificate first: a sentence each, none where it is
 * right.
 */
export function chainTroubles(
  chain: readonly X509Certificate[],
  authority: X509Certificate,
  host: string,
  now = new Date(),
): string[] {
  const [leaf] = chain
  if (!leaf) return ['no certificate was shown']
  const troubles = chain.flatMap((certificate) => dateTroubles(certificate, now))
  const named = host.startsWith('spiffe://')
    ? leaf.subjectAltName?.split(', ').includes(`URI:${host}`)
    : leaf.checkHost(host) !== undefined
  if (!named) troubles.push(`the certificate is for ${leaf.subjectAltName ?? oneLine(leaf.subject)}, not for ${host}`)
  chain.forEach((certificate, at) => {
    const issuer = chain[at + 1] ?? authority
    // A chain may end with the authority itself.
    if (certificate.fingerprint256 === authority.fingerprint256) return
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      troubles.push(`${nameOf(certificate)} is signed by ${oneLine(certificate.issuer)}, not by ${nameOf(issuer)}`)
  })
  return troubles
}

/**
 * Whether a certificate is not valid now, and by how much. A wrong clock looks the same, so the sentence has the time
 * of this machine.
 */
export function dateTroubles(certificate: X509Certificate, now = new Date()): string[] {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)]
  const off = `; this machine's clock says ${now.toISOString()}: compare it with the cluster's if you expect otherwise`
  if (now < from)
    return [`${nameOf(certificate)} is not valid before ${from.toISOString()}, ${ago(from, now)} from now${off}`]
  if (now > to) return [`${nameOf(certificate)} expired at ${to.toISOString()}, ${ago(now, to)} ago${off}`]
  return []
}

const nameOf = (certificate: X509Certificate): string =>
  oneLine(certificate.subject) || certificate.subjectAltName || `certificate ${certificate.serialNumber}`

const oneLine = (name: string | undefined): string => (name ?? '').replaceAll('\n', ', ')

function ago(later: Date, earlier: Date): string {
  const seconds = Math.round((later.getTime() - earlier.getTime()) / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
