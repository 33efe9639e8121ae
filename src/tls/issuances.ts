import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'

const HOUR_MS = 3_600_000
/** So often a Certificate may be issued within an hour: at first, by a change of its spec, and by one renewal. */
const MOST_AN_HOUR = 3

/** A trouble with the object that has it, so that a tenant's can be told from the stack's. */
export interface CertificateTrouble {
  object: KubernetesObject
  text: string
}

/**
 * Certificates that are issued again and again, and secrets that more than one writes. Two Certificates with one
 * secretName issue in turn for ever (cert-manager.io/docs/usage/certificate, "secretName"); `secrets` have no data.
 */
export function issuanceTroubles(
  certificates: readonly KubernetesObject[],
  requests: readonly KubernetesObject[],
  secrets: readonly KubernetesObject[],
  now = Date.now(),
): CertificateTrouble[] {
  const recent = requests.filter(
    ({ metadata }) => now - new Date(String(metadata?.creationTimestamp ?? 0)).getTime() < HOUR_MS,
  )
  const byCertificate = Map.groupBy(recent, (request) => keyOf(request, certificateNameOf(request)))
  const bySecret = Map.groupBy(certificates, (certificate) => keyOf(certificate, String(certificate.spec?.secretName)))
  const secretsByKey = new Map(secrets.map((secret) => [keyOf(secret, secret.metadata?.name ?? ''), secret]))
  return certificates.flatMap((certificate) => {
    const name = certificate.metadata?.name ?? ''
    const issued = byCertificate.get(keyOf(certificate, name))?.length ?? 0
    const secretKey = keyOf(certificate, String(certificate.spec?.secretName))
    const writers = bySecret.get(secretKey) ?? []
    const owner = secretsByKey.get(secretKey)?.metadata?.annotations?.['cert-manager.io/certificate-name']
    const texts = [
      ...(issued > MOST_AN_HOUR
        ? [
            `${objectName(certificate)} was issued ${issued} times within the last hour, ` +
              `at most ${MOST_AN_HOUR} expected`,
          ]
        : []),
      ...(writers.length > 1 && writers[0] === certificate
        ? [
            `Secret ${secretKey} is written by ${writers.length} Certificates: ` +
              `${writers.map(({ metadata }) => metadata?.name).join(', ')}`,
          ]
        : []),
      ...(writers.length === 1 && owner !== undefined && owner !== name
        ? [`Secret ${secretKey} of ${objectName(certificate)} was written for another Certificate, ${owner}`]
        : []),
    ]
    return texts.map((text) => ({ object: certificate, text }))
  })
}

const certificateNameOf = ({ metadata }: KubernetesObject): string =>
  metadata?.annotations?.['cert-manager.io/certificate-name'] ?? ''

const keyOf = ({ metadata }: KubernetesObject, name: string): string => `${metadata?.namespace}/${name}`
