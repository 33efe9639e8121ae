// Knative's resources, by the ids that the twin's store has them under, and the names of its annotations.
export const SERVICES = 'services.serving.knative.dev'
export const CONFIGURATIONS = 'configurations.serving.knative.dev'
export const REVISIONS = 'revisions.serving.knative.dev'
export const ROUTES = 'routes.serving.knative.dev'
export const INGRESSES = 'ingresses.networking.internal.knative.dev'
export const SERVERLESS_SERVICES = 'serverlessservices.networking.internal.knative.dev'
export const POD_AUTOSCALERS = 'podautoscalers.autoscaling.internal.knative.dev'
export const METRICS = 'metrics.autoscaling.internal.knative.dev'

export const LABEL = 'serving.knative.dev'
export const VISIBILITY = 'networking.knative.dev/visibility'

/** 'NAMESPACE/REVISION', as logs and the twin's own maps name a revision. */
export const revisionKey = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`
