import { StackFailure } from '../core/problem.ts'
import { deleteNow, type NotOurs } from '../cluster/undo.ts'
import { FIELD_MANAGER } from '../kube/kubernetes.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { until } from '../kube/until.ts'
import type { InstallContext } from './component.ts'
import { CRD, nameSome, othersInNamespace, othersOfCrd } from './others-objects.ts'

const isCrd = ({ kind }: ObjectId): boolean => kind === CRD
const isNamespace = ({ kind }: ObjectId): boolean => kind === 'v1/Namespace'
const isWebhook = ({ kind }: ObjectId): boolean => /WebhookConfiguration$/.test(kind)

/** An object that plumbline made, and that stays because others depend on it. */
export interface Kept {
  object: ObjectId
  why: string
}

// The namespaces of a release have no label of ours; the server notes who applied them.
const notApplied: NotOurs = ({ metadata }) =>
  (metadata?.managedFields as { manager?: string }[] | undefined)?.some(({ manager }) => manager === FIELD_MANAGER)
    ? undefined
    : `was not applied by plumbline (no field manager "${FIELD_MANAGER}")`

/**
 * The CRDs and namespaces among a component's objects that a `down` would leave: deleting them would delete what others
 * made with them. `recorded` is all that plumbline made in the cluster.
 */
export async function planKept(
  objects: readonly ObjectId[],
  recorded: readonly ObjectId[],
  { api }: Pick<InstallContext, 'api'>,
): Promise<Kept[]> {
  const judged = await Promise.all(
    objects.map(async (object): Promise<Kept | undefined> => {
      if (!isCrd(object) && !isNamespace(object)) return undefined
      const others = isCrd(object)
        ? await othersOfCrd(api, object.name, recorded)
        : await othersInNamespace(api, object.name, recorded)
      return others.length ? { object, why: `others have made ${nameSome(others)}` } : undefined
    }),
  )
  return judged.filter((kept) => kept !== undefined)
}

/**
 * Deletes what a component consists of and waits until it is gone: first what would judge the deletions (webhooks),
 * CRDs after what is of their kinds, namespaces last. A CRD that others have objects of stays, and so does a namespace
 * with objects of others in it: gives those.
 */
export async function takeDown(
  objects: readonly ObjectId[],
  recorded: readonly ObjectId[],
  { api, signal }: Pick<InstallContext, 'api' | 'signal'>,
): Promise<Kept[]> {
  const kept: Kept[] = []
  const newestFirst = objects.toReversed()
  const rest = newestFirst.filter((id) => !isCrd(id) && !isNamespace(id) && !isWebhook(id))
  for (const group of [
    newestFirst.filter(isWebhook),
    rest,
    newestFirst.filter(isCrd),
    newestFirst.filter(isNamespace),
  ]) {
    // Asked at the last moment: somebody may have made something meanwhile.
    const staying = await planKept(group, recorded, { api })
    kept.push(...staying)
    const leaving = group.filter((id) => !staying.some(({ object }) => object === id))
    for (const object of leaving) {
      signal.throwIfAborted()
      await gone(() => deleteNow(api, object, notApplied))
    }
    // What the API serves is another thing now.
    if (leaving.some(isCrd)) api.served.forget()
    for (const object of leaving.filter((id) => isCrd(id) || isNamespace(id)))
      await until(api, object, (left) => (left.length ? 'it is still there' : undefined), 'componentGone')
  }
  return kept
}

/** Deletes what may be gone with its kind. */
async function gone(remove: () => Promise<void>): Promise<void> {
  try {
    await remove()
  } catch (problem) {
    if (!(problem instanceof StackFailure && problem.message.startsWith('The cluster does not serve'))) throw problem
  }
}
