import type { KubeObject } from './object.ts'
import type { Resource } from './resource.ts'

/** What an admission webhook is asked. */
export interface AdmissionRequest {
  operation: 'CREATE' | 'UPDATE' | 'DELETE'
  resource: Resource
  object: KubeObject
  old: KubeObject | undefined
  subresource: string | undefined
  user: string
}
