import type { X509Certificate } from 'node:crypto'
import type { Labels } from '../survey/survey.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
/** The least remaining life of a certificate that nobody renews. */
export const WITHOUT_RENEWAL_MS = 30 * DAY_MS
/** How much of a life is left, at the least, where somebody renews it and nobody knows when: a twentieth. */
const LEFT_OF_LIFE = 20

/** Who renews a certificate, and with how little life left it has missed its time. */
export interface Renewer {
  who: string
  leftMs: number
}

/** What stands around a CA in an admission webhook's configuration. */
export interface CaMarks {
  /** The annotations of the configuration, and when it was made. */
  annotations: Labels
  createdAt?: string | undefined
  /** Whether there is a Certificate of this name, NAMESPACE/NAME. */
  hasCertificate: (name: string) => boolean
  /** The fingerprints of the mesh's roots, which are judged by themselves. */
  roots: ReadonlySet<string>
}

/**
 * Who renews the CA of an admission webhook, by its marks and not by where it is: what cert-manager injects, the
 * subjects of authorities that renew themselves, and the life of a CA that is shorter than one by hand would be.
 * Undefined where nobody is known to.
 */
export function renewerOf(ca: X509Certificate, marks: CaMarks): Renewer | undefined {
  const certificate = marks.annotations['cert-manager.io/inject-ca-from']
  // Its own dates are judged with the Certificate.
  if (certificate && marks.hasCertificate(certificate)) return { who: `Certificate ${certificate}`, leftMs: 0 }
  if (marks.roots.has(ca.fingerprint256)) return { who: 'istiod', leftMs: 0 }
  for (const { subject, who, leftMs } of KNOWN) if (subject.test(ca.subject)) return { who, leftMs }
  if (lifeOf(ca) < WITHOUT_RENEWAL_MS)
    return { who: `its owner, as its life of ${days(lifeOf(ca))} days says`, ...byLife(ca) }
  // Whoever made the configuration has since put another CA into it.
  if (marks.createdAt && Date.parse(ca.validFrom) > Date.parse(marks.createdAt) + DAY_MS)
    return { who: 'its owner, since it is younger than the configuration', ...byLife(ca) }
  return undefined
}

/** Authorities that renew themselves later than a month before their end; the others do before that. */
const KNOWN: readonly ({ subject: RegExp } & Renewer)[] = [
  // knative.dev/pkg/webhook/certificates: a week, renewed with less than a day left.
  { subject: /^O=knative\.dev$/m, who: 'Knative', leftMs: 12 * HOUR_MS },
  // kyverno, pkg/tls: a year, renewed with less than 60 hours left.
  { subject: /^CN=\*\.kyverno\.svc$/m, who: 'Kyverno', leftMs: 2 * DAY_MS },
]

/** The renewer of a certificate of which only its life tells when it should be renewed. */
export const byLife = (certificate: X509Certificate): { leftMs: number } => ({
  leftMs: Math.min(WITHOUT_RENEWAL_MS, lifeOf(certificate) / LEFT_OF_LIFE),
})

const lifeOf = ({ validFrom, validTo }: X509Certificate): number => Date.parse(validTo) - Date.parse(validFrom)

const days = (ms: number): string => (ms / DAY_MS).toFixed(1)

/** What is wrong with the end of a certificate, if less life is left than may be; empty where nothing is. */
export function endTrouble(what: string, certificate: X509Certificate, now: number, leftMs: number): string[] {
  const left = Date.parse(certificate.validTo) - now
  if (left > leftMs) return []
  const when = new Date(certificate.validTo).toISOString()
  return [left < 0 ? `${what} expired at ${when}` : `${what} expires at ${when}, in ${days(left)} days`]
}
