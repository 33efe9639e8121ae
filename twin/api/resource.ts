/** A structural schema of OpenAPI v3, as far as the twin reads one. `ref` names a model of a built-in kind. */
export interface Schema {
  type?: string
  format?: string
  ref?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  required?: string[]
  enum?: unknown[]
  default?: unknown
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-int-or-string'?: boolean
}

/** A column of the table that kubectl get shows. */
export interface Column {
  name: string
  type: string
  jsonPath: string
  priority?: number
}

/** A resource that the API serves: built in, or of a CustomResourceDefinition. */
export interface Resource {
  /** PLURAL or PLURAL.GROUP: its name everywhere in the twin. */
  id: string
  group: string
  /** The versions that are served, the preferred one first. */
  versions: string[]
  plural: string
  singular: string
  kind: string
  shortNames: string[]
  namespaced: boolean
  categories: string[]
  subresources: string[]
  /** The name of client-node's model of a built-in kind, whose fields are its schema. */
  model?: string
  /** The schema of a custom resource; none where the twin holds none. */
  schema?: Schema
  columns?: Column[]
}
