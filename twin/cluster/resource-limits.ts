import type { AdmissionRequest } from '../api/admission-request.ts'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { StatusError } from '../api/status-error.ts'
import { memoryBytes, milliCpu } from './quantities.ts'

type Amounts = Record<string, string>

interface PodContainer {
  name: string
  resources?: { requests?: Amounts; limits?: Amounts }
}

const isNewPod = ({ resource, operation, subresource }: AdmissionRequest): boolean =>
  resource.id === 'pods' && operation === 'CREATE' && !subresource

/** Fills in what the LimitRanges of a pod's namespace say for containers that ask for nothing. */
export function withLimitRanges(objects: Objects, request: AdmissionRequest): KubeObject {
  const { object } = request
  if (!isNewPod(request)) return object
  const limits = objects
    .list('limitranges', object.metadata.namespace)
    .flatMap(({ spec }) => (spec?.limits ?? []) as { type: string; default?: Amounts; defaultRequest?: Amounts }[])
    .filter(({ type }) => type === 'Container')
  if (limits.length === 0) return object
  const containers = ((object.spec.containers ?? []) as PodContainer[]).map((container) => ({
    ...container,
    resources: limits.reduce(
      (filled, { default: most, defaultRequest }) => ({
        limits: { ...most, ...filled.limits },
        requests: { ...defaultRequest, ...filled.requests },
      }),
      container.resources ?? {},
    ),
  }))
  return { ...object, spec: { ...object.spec, containers } }
}

/**
 * Refuses a pod that says less than its namespace's ResourceQuotas count, or that is more than they have left.
 * @throws StatusError 403 in the words of the quota admission
 */
export function admitByQuota(objects: Objects, request: AdmissionRequest): void {
  if (!isNewPod(request)) return
  const { object } = request
  const { namespace, name, generateName = '' } = object.metadata
  const refuse = (why: string) =>
    new StatusError(403, 'Forbidden', `pods "${name || generateName}" is forbidden: ${why}`, { kind: 'pods' })
  const others = objects.list('pods', namespace).filter(({ status }) => !/Failed|Succeeded/.test(String(status?.phase)))
  for (const quota of objects.list('resourcequotas', namespace)) {
    const hard = (quota.spec?.hard ?? {}) as Amounts
    const counted = Object.keys(hard).filter((key) => /^(requests\.|limits\.)?(cpu|memory)$/.test(key))
    const silent = counted.flatMap((key) => {
      const names = containersOf(object).filter((each) => amountOf(each, key) === undefined)
      return names.length ? [`${key} for: ${names.map((each) => each.name).join(',')}`] : []
    })
    if (silent.length) throw refuse(`failed quota: ${quota.metadata.name}: must specify ${silent.join('; ')}`)
    for (const key of [...counted, ...(hard.pods ? ['pods'] : [])]) {
      const used = others.reduce((sum, pod) => sum + usageOf(pod, key), 0)
      if (used + usageOf(object, key) > sizeOf(key, hard[key] ?? '0'))
        throw refuse(`exceeded quota: ${quota.metadata.name}, limited: ${key}=${hard[key]}`)
    }
  }
}

const containersOf = ({ spec }: KubeObject): PodContainer[] => (spec.containers ?? []) as PodContainer[]

/** What a container asks for of what a quota counts; `cpu` alone is requests.cpu. */
function amountOf({ resources = {} }: PodContainer, key: string): string | undefined {
  const [kind, what] = key.includes('.') ? key.split('.') : ['requests', key]
  const { requests = {}, limits = {} } = resources
  return kind === 'limits' ? limits[what ?? ''] : (requests[what ?? ''] ?? limits[what ?? ''])
}

const usageOf = (pod: KubeObject, key: string): number =>
  key === 'pods' ? 1 : containersOf(pod).reduce((sum, each) => sum + sizeOf(key, amountOf(each, key) ?? '0'), 0)

const sizeOf = (key: string, quantity: string): number =>
  key === 'pods' ? Number(quantity) : key.endsWith('cpu') ? milliCpu(quantity) : memoryBytes(quantity)
