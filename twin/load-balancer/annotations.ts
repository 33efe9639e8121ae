import type { KubeObject } from '../api/object.ts'

const ANNOTATION = 'service.beta.kubernetes.io/aws-load-balancer-'

/** The scheme that a Service's annotations ask the controller for: v3.5.0, pkg/service/model_build_load_balancer.go. */
export function requestedScheme({ metadata: { annotations = {} } }: KubeObject): string {
  const internal = annotations[`${ANNOTATION}internal`]
  return (
    annotations[`${ANNOTATION}scheme`] ??
    (internal !== undefined && internal !== 'true' ? 'internet-facing' : 'internal')
  )
}

/** The attributes that they ask for; the annotation for cross-zone load balancing overrides the list. */
export function requestedAttributes({ metadata: { annotations = {} } }: KubeObject): Record<string, string> {
  const list = (annotations[`${ANNOTATION}attributes`] ?? '').split(',').filter(Boolean)
  const crossZone = annotations[`${ANNOTATION}cross-zone-load-balancing-enabled`]
  return {
    ...Object.fromEntries(list.map((pair) => pair.split('=') as [string, string])),
    ...(crossZone === undefined ? {} : { 'load_balancing.cross_zone.enabled': crossZone }),
  }
}
