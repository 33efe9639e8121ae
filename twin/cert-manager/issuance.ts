import { conditionOf, isTrue, ownerReference, withConditions, type Condition, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { issue } from '../certificates.ts'
import { tellEvent } from '../cluster/events.ts'
import { goDuration } from '../go-duration.ts'
import { placeOrder } from './acme-order.ts'
import type { CertManagerHooks } from './hooks.ts'
import type { Issuers } from './issuer.ts'
import { CERTIFICATES, ISSUERS, namesOf, REQUESTS } from './kinds.ts'
import { setReady } from './ready.ts'
import type { IssueReason } from './renewal.ts'

const NINETY_DAYS_MS = 90 * 86_400_000

/**
 * Issues a Certificate into its Secret. Where its issuer is not Ready, the Certificate's condition Ready says so.
 * @returns whether it was issued
 */
export async function issueCertificate(
  objects: Objects,
  hooks: CertManagerHooks,
  issuers: Issuers,
  certificate: KubeObject,
  why: IssueReason,
): Promise<boolean> {
  const { name, namespace = '' } = certificate.metadata
  const { issuerRef = {}, duration, commonName, privateKey } = certificate.spec
  const kind = (issuerRef.kind ?? 'Issuer') as keyof typeof ISSUERS
  const issuer = objects.get(ISSUERS[kind], String(issuerRef.name), kind === 'Issuer' ? namespace : undefined)
  const setNotReady = (message: string) =>
    setReady(objects, CERTIFICATES, certificate, { type: 'Ready', status: 'False', ...why, message })
  if (!issuer || !isTrue(issuer, 'Ready')) {
    const problem = issuer
      ? `is not ready: ${conditionOf(issuer, 'Ready')?.message ?? ''}`
      : `not found: ${issuerRef.name}`
    setNotReady(`Referenced "${kind}" ${problem}`)
    return false
  }
  const authority = await issuers.authorityOf(issuer)
  if (!('signingKey' in authority)) return false
  if (issuer.spec?.acme && !placeOrder(objects, certificate, issuer)) {
    setNotReady(`Issuing certificate as Secret does not exist`)
    return false
  }
  tellEvent(objects, certificate, 'Issuing', why.message, 'Normal', 'cert-manager-certificates-trigger')
  // A lifetime short enough to see the renewal; cert-manager itself accepts no less than an hour.
  const lifetime = certificate.metadata.annotations?.['twin.plumbline.dev/lifetime'] ?? String(duration ?? '')
  const issued = await issue(authority, {
    subject: commonName ? `CN=${commonName}` : '',
    names: [...hooks.issuedNames.apply(namesOf(certificate))],
    notAfter: new Date(Date.now() + (goDuration(lifetime) ?? NINETY_DAYS_MS)),
    rsa: (privateKey?.algorithm ?? 'RSA') === 'RSA',
  })
  writeSecret(objects, certificate, kind, { ...issued, ca: authority.cert })
  const revision = Number(certificate.status?.revision ?? 0) + 1
  createRequest(objects, certificate, revision)
  objects.change(
    CERTIFICATES,
    name,
    namespace,
    (draft) => {
      const conditions = ((draft.status?.conditions ?? []) as Condition[]).filter(({ type }) => type !== 'Issuing')
      draft.status = { ...draft.status, revision, conditions }
    },
    'status',
  )
  const message = 'The certificate has been successfully issued'
  tellEvent(objects, certificate, 'Issued', message, 'Normal', 'cert-manager-certificates-issuing')
  return true
}

function writeSecret(
  objects: Objects,
  certificate: KubeObject,
  issuerKind: string,
  pem: { cert: string; key: string; ca: string },
): void {
  const { name, namespace = '' } = certificate.metadata
  const { secretName, issuerRef = {} } = certificate.spec
  const encode = (text: string) => Buffer.from(text).toString('base64')
  objects.ensure('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace,
      annotations: {
        'cert-manager.io/certificate-name': name,
        'cert-manager.io/issuer-name': issuerRef.name,
        'cert-manager.io/issuer-kind': issuerKind,
        'cert-manager.io/alt-names': namesOf(certificate).join(','),
      },
    },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encode(pem.cert), 'tls.key': encode(pem.key), 'ca.crt': encode(pem.ca) },
  })
}

/** Makes the CertificateRequest that stands for an issuance, as it is once it was fulfilled. */
function createRequest(objects: Objects, certificate: KubeObject, revision: number): void {
  const { name, namespace = '' } = certificate.metadata
  objects.create(REQUESTS, {
    apiVersion: 'cert-manager.io/v1',
    kind: 'CertificateRequest',
    metadata: {
      name: `${name}-${revision}-${Date.now().toString(36)}`,
      namespace,
      ownerReferences: [ownerReference(certificate)],
    },
    spec: { issuerRef: certificate.spec.issuerRef ?? {} },
    status: {
      conditions: withConditions(undefined, {
        type: 'Ready',
        status: 'True',
        reason: 'Issued',
        message: 'Certificate fetched from issuer successfully',
      }),
    },
  })
}
