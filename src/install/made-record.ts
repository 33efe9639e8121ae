import { UsageProblem } from '../core/problem.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { kindOf, type ObjectId } from '../kube/object-id.ts'
import type { ComponentName } from './component.ts'

const RECORD = { kind: 'v1/ConfigMap', name: 'plumbline-made', namespace: 'kube-system' } as const

/** What an `up` has made of a component that was not there: only that is taken down again. */
export interface MadeComponent {
  component: ComponentName
  objects: ObjectId[]
}

/** What `up` made on a cluster that is somebody's. */
export interface MadeRecord {
  components: MadeComponent[]
}

/**
 * Reads the record; empty where there is none.
 * @throws UsageProblem where somebody has changed it into what is not one: by it objects would be deleted
 */
export async function readMade(api: Kubernetes): Promise<MadeRecord> {
  const found = await api.find(RECORD.kind, RECORD.name, RECORD.namespace)
  if (!found) return { components: [] }
  try {
    const record = JSON.parse(String(found.data?.made)) as MadeRecord
    if (Array.isArray(record.components)) return record
  } catch (problem) {
    if (!(problem instanceof SyntaxError)) throw problem
  }
  throw new UsageProblem(
    `ConfigMap ${RECORD.namespace}/${RECORD.name}, key made: not the record that plumbline up writes. ` +
      'Restore it, or delete the ConfigMap and remove the components by hand.',
  )
}

/** Writes the record: before what it tells of is made, so that an `up` that was killed is taken down whole. */
export async function writeMade(api: Kubernetes, made: MadeRecord): Promise<void> {
  const [version, kind] = RECORD.kind.split('/')
  await api.apply({
    apiVersion: version!,
    kind: kind!,
    metadata: {
      name: RECORD.name,
      namespace: RECORD.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'plumbline' },
    },
    data: { made: JSON.stringify(made) },
  })
}

export const forgetMade = (api: Kubernetes): Promise<void> => api.delete(RECORD)

/** The name of an object as a record has it. */
export const idOf = (object: Parameters<typeof kindOf>[0]): ObjectId => ({
  kind: kindOf(object),
  name: object.metadata?.name ?? '',
  ...(object.metadata?.namespace ? { namespace: object.metadata.namespace } : {}),
})
