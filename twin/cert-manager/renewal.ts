import { isTrue, timestamp, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { readCertificate } from '../certificates.ts'
import { goDuration } from '../go-duration.ts'
import type { CertManagerHooks } from './hooks.ts'
import { namesOf } from './kinds.ts'

/** What an issued certificate says of itself. */
export type IssuedCertificate = ReturnType<typeof readCertificate>

/** Why a certificate has to be issued, in cert-manager's words. */
export interface IssueReason {
  reason: string
  message: string
}

/** The certificate in the Secret of a Certificate; undefined where there is none that can be read. */
export function issuedCertificate(objects: Objects, certificate: KubeObject): IssuedCertificate | undefined {
  const secret = objects.get('secrets', String(certificate.spec.secretName), certificate.metadata.namespace)
  const data = secret?.data as Record<string, string> | undefined
  try {
    return data?.['tls.crt'] && data['tls.key']
      ? readCertificate(Buffer.from(data['tls.crt'], 'base64').toString())
      : undefined
  } catch {
    return undefined
  }
}

/** When a certificate is renewed: renewBefore its end, or after two thirds of its life. */
export function renewalTime(certificate: KubeObject, { notBefore, notAfter }: IssuedCertificate): Date {
  const lifeMs = notAfter.getTime() - notBefore.getTime()
  const renewBeforeMs = goDuration(String(certificate.spec.renewBefore ?? '')) ?? lifeMs / 3
  return new Date(notAfter.getTime() - Math.min(renewBeforeMs, lifeMs * 0.9))
}

/** Why a Certificate has to be issued now; undefined where it is up to date. */
export function issueReason(
  objects: Objects,
  hooks: CertManagerHooks,
  certificate: KubeObject,
): IssueReason | undefined {
  const issued = issuedCertificate(objects, certificate)
  if (!issued) return { reason: 'DoesNotExist', message: `Issuing certificate as Secret does not exist` }
  if (isTrue(certificate, 'Issuing'))
    return { reason: 'ManuallyTriggered', message: 'Certificate re-issuance manually triggered' }
  const required = hooks.requiredNames.apply(namesOf(certificate), { issued: issued.names })
  if (issued.names.toSorted().join() !== required.toSorted().join()) {
    const outdated = `Existing issued Secret ${certificate.spec.secretName} is not up to date for spec: [spec.dnsNames]`
    return { reason: 'SecretMismatch', message: `Issuing certificate as ${outdated}` }
  }
  const renewal = renewalTime(certificate, issued)
  if (Date.now() < renewal.getTime()) return undefined
  return {
    reason: 'Renewing',
    message: `Renewing certificate as renewal was scheduled at ${timestamp(renewal)}`,
  }
}
