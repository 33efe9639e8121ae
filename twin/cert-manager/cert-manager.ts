import type { Admission } from '../api/admission.ts'
import { Controller } from '../api/controller.ts'
import { timestamp } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import type { Image } from '../kubelet/container.ts'
import type { CertManagerHooks } from './hooks.ts'
import { issueCertificate } from './issuance.ts'
import { Issuers } from './issuer.ts'
import { CERTIFICATES, ISSUERS } from './kinds.ts'
import { serveMetrics } from './metrics.ts'
import { setReady } from './ready.ts'
import { issuedCertificate, issueReason, renewalTime } from './renewal.ts'
import { serveWebhook } from './webhook.ts'

/** cert-manager: it issues Certificates, renews them, and issues them again when their Secret is deleted. */
export class CertManager {
  readonly component = new Component()
  readonly #objects: Objects
  readonly #hooks: CertManagerHooks
  readonly #issuers: Issuers

  constructor(objects: Objects, hooks: CertManagerHooks, admission: Admission) {
    this.#objects = objects
    this.#hooks = hooks
    this.#issuers = new Issuers(objects)
    serveWebhook(admission, objects.layout.certManager)
    const certificates = this.#controller((name, namespace, reconcileAfter) =>
      this.#reconcileCertificate(name, namespace, reconcileAfter),
    )
    certificates.watch(objects, CERTIFICATES)
    const enqueueAll = (resource: string, controller: Controller) => {
      for (const { metadata } of objects.list(resource)) controller.enqueue(metadata.name, metadata.namespace)
    }
    for (const resource of Object.values(ISSUERS)) {
      const issuers = this.#controller((name, namespace) => this.#issuers.reconcile(resource, name, namespace))
      issuers.watch(objects, resource)
      objects.store.listen('secrets', () => enqueueAll(resource, issuers))
      objects.store.listen(resource, () => enqueueAll(CERTIFICATES, certificates))
    }
    objects.store.listen('secrets', () => enqueueAll(CERTIFICATES, certificates))
  }

  /** The controller's image: it serves its metrics on 9402. */
  get image(): Image {
    return this.component.image(() => ({ 9402: serveMetrics(this.#objects) }))
  }

  /** A reconciler that works while the controller runs; `reconcileAfter` reconciles the object again after some ms. */
  #controller(
    reconcile: (name: string, namespace: string | undefined, reconcileAfter: (ms: number) => void) => Promise<void>,
  ): Controller {
    const controller: Controller = new Controller('cert-manager', (name, namespace) =>
      this.component.isUp
        ? reconcile(name, namespace, (ms) => controller.enqueue(name, namespace, Math.min(ms, 2 ** 30)))
        : controller.enqueue(name, namespace, 300),
    )
    return controller
  }

  async #reconcileCertificate(
    name: string,
    namespace: string | undefined,
    reconcileAfter: (ms: number) => void,
  ): Promise<void> {
    const certificate = this.#objects.get(CERTIFICATES, name, namespace)
    if (!certificate || certificate.metadata.deletionTimestamp) return
    const reason = issueReason(this.#objects, this.#hooks, certificate)
    if (reason && !(await issueCertificate(this.#objects, this.#hooks, this.#issuers, certificate, reason))) return
    const issued = issuedCertificate(this.#objects, certificate)
    if (!issued) return
    const renewal = renewalTime(certificate, issued)
    setReady(
      this.#objects,
      CERTIFICATES,
      certificate,
      { type: 'Ready', status: 'True', reason: 'Ready', message: 'Certificate is up to date and has not expired' },
      { notBefore: timestamp(issued.notBefore), notAfter: timestamp(issued.notAfter), renewalTime: timestamp(renewal) },
    )
    reconcileAfter(Math.max(200, renewal.getTime() - Date.now()))
  }
}
