import type { KubernetesObject } from '../core/object.ts'
import type { Labels } from '../survey/survey.ts'

/** What stack.yaml says that objects of ours need (ours). */
export interface Ours {
  labels: Labels
  annotations: Labels
  namespaceLabels: Labels
  namespaceAnnotations: Labels
  /** NAMESPACE/NAME of Secrets, which are copied into our namespaces. */
  pullSecrets: readonly string[]
  /** Where our images are pulled from instead of their own registries. */
  registry?: string | undefined
}

/**
 * A copy of an object of ours with what stack.yaml asks for it and its pods: labels, annotations, the registry, and the
 * names of the pull Secrets. What it says itself stays.
 */
export function dressed(object: KubernetesObject, ours: Ours): KubernetesObject {
  const copy = structuredClone(object)
  mark(copy, ours)
  const template = copy.kind === 'Pod' ? copy : podTemplateOf(copy)
  if (!template) return copy
  if (template !== copy) mark(template, ours)
  const spec = template.spec as PodSpec
  if (ours.registry)
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])])
      if (container.image) container.image = pulledFrom(ours.registry, container.image)
  const secrets = ours.pullSecrets.map((secret) => ({ name: nameIn(secret) }))
  if (secrets.length) spec.imagePullSecrets = secrets
  return copy
}

interface PodSpec {
  containers: { image?: string }[]
  initContainers?: { image?: string }[]
  imagePullSecrets?: { name: string }[]
}

/** The pod template of a Deployment, a Job, a Knative Service or a Configuration. */
function podTemplateOf({ spec }: KubernetesObject): KubernetesObject | undefined {
  const template = spec?.template as KubernetesObject | undefined
  return Array.isArray(template?.spec?.containers) ? template : undefined
}

function mark(object: KubernetesObject, { labels, annotations }: Ours): void {
  const { metadata = {} } = object
  object.metadata = {
    ...metadata,
    ...(Object.keys(labels).length ? { labels: { ...labels, ...metadata.labels } } : {}),
    ...(Object.keys(annotations).length ? { annotations: { ...annotations, ...metadata.annotations } } : {}),
  }
}

/** The name of a Secret that is given as NAMESPACE/NAME. */
const nameIn = (secret: string): string => secret.split('/').at(-1) ?? ''

/** An image as a registry has it: its own registry's name is replaced, its path stays. */
export function pulledFrom(registry: string, image: string): string {
  if (image.startsWith(`${registry}/`)) return image
  const [host = '', ...path] = image.split('/')
  const named = path.length > 0 && (/[.:]/.test(host) || host === 'localhost')
  // Docker's own images have no folder in short, and `library` in full.
  const rest = named ? path : path.length ? [host, ...path] : ['library', host]
  return [registry, ...rest].join('/')
}
