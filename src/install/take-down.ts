import { StackFailure } from '../core/problem.ts'
import { deleteNow, type NotOurs } from '../cluster/undo.ts'
import { FIELD_MANAGER } from '../kube/kubernetes.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { until } from '../kube/until.ts'
import type { InstallContext } from './component.ts'

const isCrd = ({ kind }: ObjectId): boolean => kind.endsWith('/CustomResourceDefinition')
const isNamespace = ({ kind }: ObjectId): boolean => kind === 'v1/Namespace'
const isWebhook = ({ kind }: ObjectId): boolean => /WebhookConfiguration$/.test(kind)

// The namespaces of a release have no label of ours; the server notes who applied them.
const notApplied: NotOurs = ({ metadata }) =>
  (metadata?.managedFields as { manager?: string }[] | undefined)?.some(({ manager }) => manager === FIELD_MANAGER)
    ? undefined
    : `was not applied by plumbline (no field manager "${FIELD_MANAGER}")`

/**
 * Deletes what a component consists of and waits until it is gone: first what would judge the deletions (webhooks),
 * CRDs after what is of their kinds, namespaces last.
 */
export async function takeDown(objects: readonly ObjectId[], { api, signal }: InstallContext): Promise<void> {
  const newestFirst = objects.toReversed()
  const rest = newestFirst.filter((id) => !isCrd(id) && !isNamespace(id) && !isWebhook(id))
  for (const group of [
    newestFirst.filter(isWebhook),
    rest,
    newestFirst.filter(isCrd),
    newestFirst.filter(isNamespace),
  ]) {
    for (const object of group) {
      signal.throwIfAborted()
      await gone(() => deleteNow(api, object, notApplied))
    }
    // What the API serves is another thing now.
    if (group.some(isCrd)) api.served.forget()
    for (const object of group.filter((id) => isCrd(id) || isNamespace(id)))
      await until(api, object, (left) => (left.length ? 'it is still there' : undefined), 'componentGone')
  }
}

/** Deletes what may be gone with its kind. */
async function gone(remove: () => Promise<void>): Promise<void> {
  try {
    await remove()
  } catch (problem) {
    if (!(problem instanceof StackFailure && problem.message.startsWith('The cluster does not serve'))) throw problem
  }
}
