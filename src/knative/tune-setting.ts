import { servedKind } from '../cluster/served.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { DoesNotApply } from '../core/problem.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { objectName } from '../kube/object-id.ts'
import type { Condition } from '../kube/until.ts'
import { describeOwner, ownerOf } from '../survey/owner.ts'
import { theKnative } from '../survey/surveyed.ts'

type Settings = Readonly<Record<string, string>>

/**
 * Sets keys of one of Knative's ConfigMaps until the running check ends, where it lasts: in spec.config of the
 * KnativeServing where Knative's Operator reconciles the ConfigMap, else in the ConfigMap itself.
 * @throws DoesNotApply where a GitOps tool keeps that object as it is, NotLookedAt where nobody could look
 */
export async function tuneSetting(
  stack: Cluster & { changes: Changes },
  map: string,
  settings: Settings,
): Promise<void> {
  const { namespace, serving } = await theKnative(stack)
  const configMap = { kind: 'v1/ConfigMap', namespace, name: map }
  if (!serving) {
    failIfReverted(await stack.k8s.get(configMap.kind, map, namespace), settings)
    await stack.changes.tune(configMap.kind, namespace, map, { data: settings })
    return
  }
  const id: ObjectId = { kind: await servedKind(stack, 'operator.knative.dev/KnativeServing'), ...serving }
  const [custom, before] = await Promise.all([
    stack.k8s.get(id.kind, id.name, id.namespace),
    stack.k8s.get(configMap.kind, map, namespace),
  ])
  failIfReverted(custom, settings)
  const data = (before.data ?? {}) as Record<string, string>
  const old = Object.fromEntries(Object.keys(settings).map((key) => [key, data[key]]))
  // After the check the resource is restored first; then its operator has to restore the ConfigMap.
  stack.changes.atEnd(async () => void (await stack.until(configMap, holds(old), 'operatorActs')))
  const change = { spec: { config: { [sectionOf(custom, map)]: settings } } }
  await stack.changes.tune(id.kind, id.namespace, id.name, change)
  await stack.until(configMap, holds(settings), 'operatorActs')
}

/** Where spec.config has the keys of a ConfigMap: without its prefix, which wins where both are there. */
function sectionOf(serving: KubernetesObject, map: string): string {
  const config = (serving.spec?.config ?? {}) as Record<string, unknown>
  const short = map.replace(/^config-/, '')
  return map in config && !(short in config) ? map : short
}

/** @throws DoesNotApply where somebody would take a change of an object back */
function failIfReverted(object: KubernetesObject, settings: Settings): void {
  const owner = ownerOf(object)
  if (!owner?.reverts) return
  throw new DoesNotApply(
    `${objectName(object)} is kept by ${describeOwner(owner)}, which would take back a change of ` +
      `${Object.keys(settings).join(', ')} while the check runs; nothing was changed.`,
  )
}

/** The condition that a ConfigMap has these keys; undefined stands for a key that it does not have. */
const holds =
  (wanted: Readonly<Record<string, string | undefined>>): Condition =>
  ([map]) => {
    if (!map) return 'it does not exist'
    const data = (map.data ?? {}) as Record<string, string>
    const wrong = Object.keys(wanted).find((key) => data[key] !== wanted[key])
    return wrong === undefined
      ? undefined
      : `${wrong} is ${data[wrong] ?? 'not set'}, expected ${wanted[wrong] ?? 'no such key'}`
  }
