import type { RequestListener } from 'node:http'
import { Controller } from '../api/controller.ts'
import {
  conditionOf,
  isTrue,
  ownerReference,
  timestamp,
  withConditions,
  type Condition,
  type KubeObject,
} from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { issue, makeAuthority, readAuthority, readCertificate, type Authority } from '../certificates.ts'
import { Component } from '../cluster/component.ts'
import type { Defects } from '../defects.ts'
import { tellEvent } from '../cluster/events.ts'
import type { Image } from '../kubelet/container.ts'
import { goDuration } from '../knative/settings.ts'

const CERTIFICATES = 'certificates.cert-manager.io'
const REQUESTS = 'certificaterequests.cert-manager.io'
const ISSUERS = { ClusterIssuer: 'clusterissuers.cert-manager.io', Issuer: 'issuers.cert-manager.io' } as const
const NINETY_DAYS = 90 * 86_400_000

type Told = Omit<Condition, 'lastTransitionTime'>

/** cert-manager: issuers of a CA, and the certificates that they issue, renew, and issue again where their secret is gone. */
export class CertManager {
  readonly component = new Component()
  readonly #objects: Objects
  readonly #defects: Defects
  #acme: Promise<Authority> | undefined

  constructor(objects: Objects, defects: Defects) {
    this.#objects = objects
    this.#defects = defects
    const certificates = this.#controller((name, namespace, again) =>
      this.#reconcileCertificate(name, namespace, again),
    )
    certificates.watch(objects, CERTIFICATES)
    const all = (resource: string, controller: Controller) => {
      for (const { metadata } of objects.list(resource)) controller.enqueue(metadata.name, metadata.namespace)
    }
    for (const resource of Object.values(ISSUERS)) {
      const issuers = this.#controller((name, namespace) => this.#reconcileIssuer(resource, name, namespace))
      issuers.watch(objects, resource)
      objects.store.listen('secrets', () => all(resource, issuers))
      objects.store.listen(resource, () => all(CERTIFICATES, certificates))
    }
    objects.store.listen('secrets', () => all(CERTIFICATES, certificates))
  }

  /** The controller's image: it serves its metrics on 9402. */
  get image(): Image {
    return this.component.image(() => ({ 9402: this.#metrics }))
  }

  #controller(
    reconcile: (name: string, namespace: string | undefined, again: (ms: number) => void) => Promise<void>,
  ): Controller {
    const controller: Controller = new Controller('cert-manager', (name, namespace) =>
      this.component.isUp
        ? reconcile(name, namespace, (ms) => controller.enqueue(name, namespace, Math.min(ms, 2 ** 30)))
        : controller.enqueue(name, namespace, 300),
    )
    return controller
  }

  get #resourceNamespace(): string {
    const container = this.#objects.get('deployments.apps', 'cert-manager', 'cert-manager')?.spec?.template?.spec
      ?.containers?.[0]
    const told = ((container?.args ?? []) as string[]).map(
      (arg) => /^--cluster-resource-namespace=(.+)$/.exec(arg)?.[1],
    )
    return told.find((each) => each !== undefined && !each.includes('$(')) ?? 'cert-manager'
  }

  /** The authority of an issuer, or why it has none, in cert-manager's words. */
  async #authorityOf(issuer: KubeObject): Promise<Authority | { reason: string; message: string }> {
    // The secret of a ClusterIssuer is read beside cert-manager itself, or where it was told to.
    const namespace = issuer.kind === 'ClusterIssuer' ? this.#resourceNamespace : issuer.metadata.namespace
    const name = String(issuer.spec?.ca?.secretName ?? '')
    const failed = (why: string) => ({
      reason: 'ErrGetKeyPair',
      message: `Error getting keypair for CA issuer: ${why}`,
    })
    if (issuer.spec?.acme) return (this.#acme ??= makeAuthority('Twin ACME'))
    if (!issuer.spec?.ca) return { reason: 'NotSupported', message: 'the twin knows issuers of a CA and of ACME alone' }
    const data = this.#objects.get('secrets', name, namespace)?.data as Record<string, string> | undefined
    if (!data) return failed(`secrets "${name}" not found`)
    for (const key of ['tls.key', 'tls.crt'])
      if (!data[key]) return failed(`no data for "${key}" in secret '${namespace}/${name}'`)
    const decode = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
    try {
      return await readAuthority({ cert: decode('tls.crt'), key: decode('tls.key') })
    } catch (problem) {
      return failed(problem instanceof Error ? problem.message : String(problem))
    }
  }

  async #reconcileIssuer(resource: string, name: string, namespace: string | undefined): Promise<void> {
    const issuer = this.#objects.get(resource, name, namespace)
    if (!issuer) return
    const authority = await this.#authorityOf(issuer)
    if (issuer.spec?.acme) {
      const { server = '' } = issuer.spec.acme as { server?: string }
      const message = 'The ACME account was registered with the ACME server'
      const told: Told = { type: 'Ready', status: 'True', reason: 'ACMEAccountRegistered', message }
      return this.#setReady(resource, issuer, told, { acme: { uri: server.replace(/directory$/, 'acct/1') } })
    }
    const ready: Told =
      'signingKey' in authority
        ? { type: 'Ready', status: 'True', reason: 'KeyPairVerified', message: 'Signing CA verified' }
        : { type: 'Ready', status: 'False', ...authority }
    this.#setReady(resource, issuer, ready)
  }

  #setReady(resource: string, object: KubeObject, ready: Told, more: object = {}): void {
    this.#objects.change(
      resource,
      object.metadata.name,
      object.metadata.namespace,
      (draft) =>
        void (draft.status = {
          ...draft.status,
          ...more,
          conditions: withConditions(draft.status?.conditions, {
            ...ready,
            ...({ observedGeneration: object.metadata.generation } as object),
          }),
        }),
      'status',
    )
  }

  async #reconcileCertificate(name: string, namespace: string | undefined, again: (ms: number) => void): Promise<void> {
    const certificate = this.#objects.get(CERTIFICATES, name, namespace)
    if (!certificate || certificate.metadata.deletionTimestamp) return
    const why = this.#whyIssue(certificate)
    if (why && !(await this.#issue(certificate, why))) return
    const held = this.#held(certificate)
    if (!held) return
    const renewal = new Date(held.notAfter.getTime() - this.#renewBefore(certificate, held))
    this.#setReady(
      CERTIFICATES,
      certificate,
      { type: 'Ready', status: 'True', reason: 'Ready', message: 'Certificate is up to date and has not expired' },
      { notBefore: timestamp(held.notBefore), notAfter: timestamp(held.notAfter), renewalTime: timestamp(renewal) },
    )
    again(Math.max(200, renewal.getTime() - Date.now()))
  }

  /** The certificate in its secret, or undefined. */
  #held(certificate: KubeObject): ReturnType<typeof readCertificate> | undefined {
    const secret = this.#objects.get('secrets', String(certificate.spec.secretName), certificate.metadata.namespace)
    const data = secret?.data as Record<string, string> | undefined
    try {
      return data?.['tls.crt'] && data['tls.key']
        ? readCertificate(Buffer.from(data['tls.crt'], 'base64').toString())
        : undefined
    } catch {
      return undefined
    }
  }

  /** How long before its end it is renewed: what it says, or a third of its life. */
  #renewBefore(certificate: KubeObject, { notBefore, notAfter }: { notBefore: Date; notAfter: Date }): number {
    const life = notAfter.getTime() - notBefore.getTime()
    return Math.min(goDuration(String(certificate.spec.renewBefore ?? '')) ?? life / 3, life * 0.9)
  }

  #whyIssue(certificate: KubeObject): { reason: string; message: string } | undefined {
    const secret = String(certificate.spec.secretName)
    const held = this.#held(certificate)
    if (!held) return { reason: 'DoesNotExist', message: `Issuing certificate as Secret does not exist` }
    if (isTrue(certificate, 'Issuing'))
      return { reason: 'ManuallyTriggered', message: 'Certificate re-issuance manually triggered' }
    const wanted = namesOf(certificate).toSorted().join()
    if (!this.#defects.has('certificates-unnamed') && held.names.toSorted().join() !== wanted)
      return {
        reason: 'SecretMismatch',
        message: `Issuing certificate as Existing issued Secret ${secret} is not up to date for spec: [spec.dnsNames]`,
      }
    const renewal = held.notAfter.getTime() - this.#renewBefore(certificate, held)
    return Date.now() >= renewal
      ? {
          reason: 'Renewing',
          message: `Renewing certificate as renewal was scheduled at ${timestamp(new Date(renewal))}`,
        }
      : undefined
  }

  /** Issues it into its secret; gives false where its issuer is not Ready, and says so. */
  async #issue(certificate: KubeObject, why: { reason: string; message: string }): Promise<boolean> {
    const { name, namespace = '' } = certificate.metadata
    const { secretName, issuerRef = {}, duration, commonName, privateKey } = certificate.spec
    const kind = (issuerRef.kind ?? 'Issuer') as keyof typeof ISSUERS
    const issuer = this.#objects.get(ISSUERS[kind], String(issuerRef.name), kind === 'Issuer' ? namespace : undefined)
    const notReady = (message: string) =>
      this.#setReady(CERTIFICATES, certificate, { type: 'Ready', status: 'False', ...why, message })
    if (!issuer || !isTrue(issuer, 'Ready')) {
      notReady(
        `Referenced "${kind}" ${issuer ? `is not ready: ${conditionOf(issuer, 'Ready')?.message ?? ''}` : `not found: ${issuerRef.name}`}`,
      )
      return false
    }
    const authority = await this.#authorityOf(issuer)
    if (!('signingKey' in authority)) return false
    if (issuer.spec?.acme && !this.#order(certificate, issuer)) {
      notReady(`Issuing certificate as Secret does not exist`)
      return false
    }
    tellEvent(this.#objects, certificate, 'Issuing', why.message, 'Normal', 'cert-manager-certificates-trigger')
    // A life that is short enough to see it renewed; cert-manager itself takes no less than an hour.
    const life =
      goDuration(certificate.metadata.annotations?.['twin.plumbline.dev/lifetime'] ?? String(duration ?? '')) ??
      NINETY_DAYS
    const names = namesOf(certificate)
    const subject = commonName ? `CN=${commonName}` : ''
    const issued = await issue(authority, {
      subject,
      names: this.#defects.has('certificates-unnamed') ? names.slice(0, 1) : names,
      notAfter: new Date(Date.now() + life),
      rsa: (privateKey?.algorithm ?? 'RSA') === 'RSA',
    })
    const encode = (text: string) => Buffer.from(text).toString('base64')
    const revision = Number(certificate.status?.revision ?? 0) + 1
    this.#objects.ensure('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: secretName,
        namespace,
        annotations: {
          'cert-manager.io/certificate-name': name,
          'cert-manager.io/issuer-name': issuerRef.name,
          'cert-manager.io/issuer-kind': kind,
          'cert-manager.io/alt-names': names.join(','),
        },
      },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encode(issued.cert), 'tls.key': encode(issued.key), 'ca.crt': encode(authority.cert) },
    })
    this.#objects.create(REQUESTS, {
      apiVersion: 'cert-manager.io/v1',
      kind: 'CertificateRequest',
      metadata: {
        name: `${name}-${revision}-${Date.now().toString(36)}`,
        namespace,
        ownerReferences: [ownerReference(certificate)],
      },
      spec: { issuerRef },
      status: {
        conditions: withConditions(undefined, {
          type: 'Ready',
          status: 'True',
          reason: 'Issued',
          message: 'Certificate fetched from issuer successfully',
        }),
      },
    })
    this.#objects.change(
      CERTIFICATES,
      name,
      namespace,
      (draft) => {
        const conditions = ((draft.status?.conditions ?? []) as Condition[]).filter(({ type }) => type !== 'Issuing')
        draft.status = { ...draft.status, revision, conditions }
      },
      'status',
    )
    tellEvent(
      this.#objects,
      certificate,
      'Issued',
      'The certificate has been successfully issued',
      'Normal',
      'cert-manager-certificates-issuing',
    )
    return true
  }

  /** The order of an ACME issuer, valid where a solver by DNS-01 can write to the zone; gives whether it is. */
  #order(certificate: KubeObject, issuer: KubeObject): boolean {
    const { name, namespace } = certificate.metadata
    const solvers = (issuer.spec?.acme?.solvers ?? []) as { dns01?: { route53?: object } }[]
    const solved = solvers.some(({ dns01 }) => dns01?.route53)
    const state = solved ? 'valid' : 'pending'
    const common = {
      ...(namespace ? { namespace } : {}),
      ownerReferences: [ownerReference(certificate)],
    }
    const issuerRef = certificate.spec.issuerRef as object
    this.#objects.ensure('orders.acme.cert-manager.io', {
      apiVersion: 'acme.cert-manager.io/v1',
      kind: 'Order',
      metadata: { name: `${name}-1-order`, ...common },
      spec: { dnsNames: certificate.spec.dnsNames, issuerRef },
      status: { state },
    })
    this.#objects.ensure('challenges.acme.cert-manager.io', {
      apiVersion: 'acme.cert-manager.io/v1',
      kind: 'Challenge',
      metadata: { name: `${name}-1-challenge`, ...common },
      spec: { type: 'DNS-01', dnsName: namesOf(certificate)[0], issuerRef },
      status: {
        state,
        presented: solved,
        ...(solved ? {} : { reason: 'no solver of the issuer can write to the zone' }),
      },
    })
    return solved
  }

  readonly #metrics: RequestListener = (_request, response) => {
    const lines = this.#objects.list(CERTIFICATES).flatMap((each) => {
      const labels = `name="${each.metadata.name}",namespace="${each.metadata.namespace}",issuer_name="${each.spec.issuerRef?.name ?? ''}"`
      const end = each.status?.notAfter ? new Date(String(each.status.notAfter)).getTime() / 1000 : 0
      return [
        `certmanager_certificate_expiration_timestamp_seconds{${labels}} ${end}`,
        `certmanager_certificate_ready_status{condition="True",${labels}} ${isTrue(each, 'Ready') ? 1 : 0}`,
      ]
    })
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${lines.join('\n')}\n`)
  }
}

const namesOf = ({ spec }: KubeObject): string[] => [
  ...((spec.dnsNames ?? []) as string[]),
  ...((spec.ipAddresses ?? []) as string[]),
  ...((spec.uris ?? []) as string[]),
]
