import type { Schema } from '../api/resource.ts'

const text: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const boolean: Schema = { type: 'boolean' }
const list = (items: Schema): Schema => ({ type: 'array', items })
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const any: Schema = { 'x-kubernetes-preserve-unknown-fields': true }
const status = any

// What a revision takes of a pod, and what is its own (knative/serving, config/core/300-resources).
const revisionSpec = object({
  containerConcurrency: integer,
  timeoutSeconds: integer,
  responseStartTimeoutSeconds: integer,
  idleTimeoutSeconds: integer,
  containers: list({ ref: 'V1Container' }),
  initContainers: list({ ref: 'V1Container' }),
  volumes: list({ ref: 'V1Volume' }),
  imagePullSecrets: list({ ref: 'V1LocalObjectReference' }),
  serviceAccountName: text,
  automountServiceAccountToken: boolean,
  enableServiceLinks: boolean,
  affinity: any,
  nodeSelector: any,
  tolerations: any,
  topologySpreadConstraints: any,
  securityContext: any,
  hostAliases: any,
  dnsConfig: any,
  dnsPolicy: text,
  priorityClassName: text,
  runtimeClassName: text,
  schedulerName: text,
  shareProcessNamespace: boolean,
  hostNetwork: boolean,
  hostIPC: boolean,
  hostPID: boolean,
})
const template = object({ metadata: any, spec: revisionSpec })
const traffic = list(
  object({
    tag: text,
    revisionName: text,
    configurationName: text,
    latestRevision: boolean,
    percent: integer,
    url: text,
  }),
)

/** The schemas that the twin is strict about, by CRD. */
export const schemas: Readonly<Record<string, Schema>> = {
  'services.serving.knative.dev': object({ spec: object({ template, traffic }), status }),
  'configurations.serving.knative.dev': object({ spec: object({ template }), status }),
  'revisions.serving.knative.dev': object({ spec: revisionSpec, status }),
  'routes.serving.knative.dev': object({ spec: object({ traffic }), status }),
  'telemetries.telemetry.istio.io': object({
    spec: object({
      selector: any,
      targetRef: any,
      targetRefs: any,
      metrics: any,
      tracing: any,
      accessLogging: list(
        object({ match: any, providers: any, disabled: boolean, filter: object({ expression: text }) }),
      ),
    }),
    status,
  }),
}
