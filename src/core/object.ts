/** What every object of the Kubernetes API has, and whatever else it holds. */
export interface KubernetesObject {
  apiVersion?: string
  kind?: string
  metadata?: {
    name?: string
    namespace?: string
    uid?: string
    resourceVersion?: string
    generation?: number
    creationTimestamp?: string | Date
    deletionTimestamp?: string | Date
    labels?: Record<string, string>
    annotations?: Record<string, string>
    finalizers?: string[]
    ownerReferences?: { apiVersion?: string; kind: string; name: string; uid: string; controller?: boolean }[]
    managedFields?: unknown
  }
  // Objects of any kind pass here, CRDs of other projects among them; a check names the fields that it reads.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [field: string]: any
}
