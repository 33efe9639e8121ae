import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject } from '../core/object.ts'

interface PodSpec {
  containers?: { name: string; image?: string; resources?: object; securityContext?: object }[]
  initContainers?: { name: string }[]
  nodeSelector?: object
  tolerations?: { key?: string }[]
  imagePullSecrets?: object[]
  securityContext?: object
}

/** Tolerations that the API server gives every pod. */
const USUAL_TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/**
 * The fields of an object of ours that admission set or changed, of those that decide where a pod runs, from which
 * images, with which rights and resources, and of its labels. What the API server fills in by default is none of them.
 */
export function changedFields(sent: KubernetesObject, made: KubernetesObject): string[] {
  const labels = Object.entries({ ...sent.metadata?.labels, ...made.metadata?.labels })
    .filter(([key]) => sent.metadata?.labels?.[key] !== made.metadata?.labels?.[key])
    // The API server's own, on every namespace.
    .filter(([key]) => key !== 'kubernetes.io/metadata.name')
    .map(([key]) => `metadata.labels[${key}]`)
  const [before, path] = podSpecOf(sent)
  const [after] = podSpecOf(made)
  return [...labels, ...(before && after ? changedInPod(before, after).map((field) => `${path}.${field}`) : [])]
}

function podSpecOf({ kind, apiVersion, spec }: KubernetesObject): [PodSpec | undefined, string] {
  if (kind === 'Pod') return [spec as PodSpec, 'spec']
  if (kind === 'Deployment' || apiVersion?.startsWith('serving.knative.dev/'))
    return [spec?.template?.spec as PodSpec, 'spec.template.spec']
  return [undefined, '']
}

function changedInPod(sent: PodSpec, made: PodSpec): string[] {
  const added = (made.containers ?? []).filter(({ name }) => !sent.containers?.some((each) => each.name === name))
  const unnamed = sent.containers?.length === 1 && sent.containers[0]?.name === undefined
  const containers = (sent.containers ?? []).flatMap((container) => {
    const same = made.containers?.find(({ name }) => unnamed || name === container.name)
    return (['image', 'resources', 'securityContext'] as const)
      .filter((field) => container[field] !== undefined && !isDeepStrictEqual(container[field], same?.[field]))
      .map((field) => `containers[${container.name ?? 0}].${field}`)
  })
  const own = (made.tolerations ?? []).filter(({ key }) => !USUAL_TOLERATIONS.includes(key ?? ''))
  return [
    ...containers,
    ...(unnamed ? [] : added.map(({ name }) => `containers[${name}]`)),
    ...(made.initContainers ?? []).map(({ name }) => `initContainers[${name}]`),
    ...(isDeepStrictEqual(made.nodeSelector ?? {}, sent.nodeSelector ?? {}) ? [] : ['nodeSelector']),
    ...(own.length ? ['tolerations'] : []),
    ...(made.imagePullSecrets?.length ? ['imagePullSecrets'] : []),
    ...(Object.keys(made.securityContext ?? {}).length ? ['securityContext'] : []),
  ]
}
