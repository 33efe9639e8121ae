// Knative's kinds, as manifests have them.
export const SERVICE = 'serving.knative.dev/v1/Service'
export const CONFIGURATION = 'serving.knative.dev/v1/Configuration'
export const ROUTE = 'serving.knative.dev/v1/Route'
export const REVISION = 'serving.knative.dev/v1/Revision'
export const INGRESS = 'networking.internal.knative.dev/v1alpha1/Ingress'
export const SERVERLESS_SERVICE = 'networking.internal.knative.dev/v1alpha1/ServerlessService'
export const POD_AUTOSCALER = 'autoscaling.internal.knative.dev/v1alpha1/PodAutoscaler'
