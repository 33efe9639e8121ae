import { Refusal, type Webhook } from '../api/admission.ts'
import type { IstiodLayout } from '../stack/layout.ts'
import { injectProxy } from './injection.ts'
import { filterProblem } from './telemetry-filter.ts'

/** istiod's webhooks: /inject adds the proxy to a pod, /validate refuses a Telemetry whose filter is not CEL. */
export const istiodWebhook =
  (version: string, layout: IstiodLayout, hasCni: boolean): Webhook =>
  (path, request) => {
    if (path.startsWith('/inject')) return injectProxy(version, layout, hasCni, request)
    if (request.resource.id !== 'telemetries.telemetry.istio.io' || request.operation === 'DELETE') return
    const problem = filterProblem(request.object)
    // The words of Istio's validateTelemetryFilter, pkg/config/validation/validation.go.
    if (problem) throw new Refusal(`configuration is invalid: must be a valid CEL expression, ERROR: ${problem}`)
  }
