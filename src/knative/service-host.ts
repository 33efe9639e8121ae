/** What Knative's templates of names may use. */
export interface HostValues {
  name: string
  namespace: string
  domain: string
  annotations?: Readonly<Record<string, string>>
  labels?: Readonly<Record<string, string>>
}

const FIELD = /\{\{-?\s*(?:\.(Name|Namespace|Domain)|index\s+\.(Annotations|Labels)\s+"([^"]*)")\s*-?\}\}/g

/**
 * The host that domain-template gives a Service (a template of Go over its name, namespace, domain, annotations and
 * labels). Undefined where the template has more than these fields, such as a condition: Knative alone can tell then.
 */
export function hostByTemplate(template: string, values: HostValues): string | undefined {
  const fields = { Name: values.name, Namespace: values.namespace, Domain: values.domain }
  const host = template.replace(FIELD, (_, field: keyof typeof fields | undefined, map: string, key: string) => {
    if (field) return fields[field]
    return (map === 'Annotations' ? values.annotations : values.labels)?.[key] ?? ''
  })
  return host.includes('{{') ? undefined : host.trim()
}
