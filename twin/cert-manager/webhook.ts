import type { Admission } from '../api/admission.ts'
import { certManagerName, type Layout } from '../stack/layout.ts'

/** Serves cert-manager's webhook, which accepts every object. */
export const serveWebhook = (admission: Admission, layout: Layout['certManager']): void =>
  admission.serve(`${layout.namespace}/${certManagerName(layout)}-webhook`, () => undefined)
