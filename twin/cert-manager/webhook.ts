import type { Admission } from '../api/admission.ts'

/** Serves cert-manager's webhook, which accepts every object. */
export const serveWebhook = (admission: Admission): void =>
  admission.serve('cert-manager/cert-manager-webhook', () => undefined)
