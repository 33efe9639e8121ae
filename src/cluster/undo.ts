import type { KubernetesObject } from '../core/object.ts'
import { plainMessage, StackFailure } from '../core/problem.ts'
import { RUN_LABEL } from '../config/run-info.ts'
import { askPod } from '../kube/forward.ts'
import { INGRESS, SERVICE } from '../kube/kinds.ts'
import { isRolledOutOrGone } from '../kube/rolled-out.ts'
import { until } from '../kube/until.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { putBack } from './restoring.ts'
import { leaseNamespace } from './run-lease.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { nameOfId, type ObjectId } from '../kube/object-id.ts'

/**
 * Undoes all that a journal holds open, newest first: shared objects are put back, objects of ours deleted and seen to
 * be gone. Gives a sentence for each thing that could not be undone; those stay in the journal.
 */
export async function undoAll(api: Kubernetes, journal: Journal, tell: (what: string) => void): Promise<string[]> {
  const left: string[] = journal.damage()
  const pending = journal.pending()
  // What was disturbed comes whole only once what was changed is put back: a node that takes pods again, its replicas.
  const others = pending.filter(({ what }) => what !== 'made' && what !== 'disturbed')
  for (const entry of [...others, ...pending.filter(({ what }) => what === 'disturbed')]) {
    tell(`restoring ${nameOfId(entry.object)}`)
    await attempt(entry, left, async () => {
      if (entry.what === 'changed') await putBack(api, entry.object, entry.restore)
      else if (entry.what === 'told') await takeBack(api, entry)
      else if (entry.what === 'disturbed') await until(api, entry.object, isRolledOutOrGone, 'componentAvailable')
      else if (entry.what === 'removed') await api.apply(entry.was)
      journal.undone(entry.seq)
    })
  }
  const made = pending.filter((each) => each.what === 'made')
  if (made.length) tell(`deleting ${made.map(({ object }) => nameOfId(object)).join(', ')}`)
  const remove = (entry: JournalEntry) =>
    attempt(entry, left, async () => {
      await deleteNow(api, entry.object, notOfRun(journal.run))
      await until(api, entry.object, (objects) => (objects.length ? 'it still exists' : undefined), 'namespaceGone')
      journal.undone(entry.seq)
    })
  // Newest first: a secret that is deleted before the Certificate which was made after it would be issued again.
  for (const entry of made.filter(({ object }) => object.kind !== 'v1/Namespace')) await remove(entry)
  const namespaces = made.filter(({ object }) => object.kind === 'v1/Namespace')
  // The Lease last: until everything is undone, the run goes on.
  const isLease = ({ object }: JournalEntry) => object.name === leaseNamespace(journal.run)
  await Promise.all(namespaces.filter((entry) => !isLease(entry)).map(remove))
  await Promise.all(namespaces.filter(isLease).map(remove))
  return left
}

/** Tells a program in a pod what it was told before; one whose pod is gone has forgotten it by itself. */
export async function takeBack(
  api: Kubernetes,
  { object, port, restore }: Pick<Extract<JournalEntry, { what: 'told' }>, 'object' | 'port' | 'restore'>,
): Promise<void> {
  const { name, namespace = '' } = object
  if (await api.find('v1/Pod', name, namespace)) await askPod(api, { name, namespace, port }, restore)
}

/** Says why a namespace is not ours to delete, as the end of a sentence, or undefined where it is. */
export type NotOurs = (namespace: KubernetesObject) => string | undefined

/** A namespace is a run's where its label says so. */
export const notOfRun =
  (run: string): NotOurs =>
  ({ metadata }) =>
    metadata?.labels?.[RUN_LABEL] === run ? undefined : `does not carry the label ${RUN_LABEL}=${run}`

/**
 * Asks for the deletion of something of ours. A namespace is read first, and deleted only where `notOurs` has nothing
 * against it. Its Knative Services go first: the namespace controller comes back only after 8 s to what has a finalizer
 * still, and Routes have one. Its pods do not get their grace: a queue-proxy alone would drain for 30 s.
 * @throws StackFailure where the namespace is not ours
 */
export async function deleteNow(api: Kubernetes, object: ObjectId, notOurs: NotOurs): Promise<void> {
  if (object.kind !== 'v1/Namespace') return api.delete(object)
  const namespace = await api.findNamespace(object.name)
  if (!namespace) return
  const why = notOurs(namespace)
  if (why) throw new StackFailure(`Namespace ${object.name} ${why}: not deleted`)
  await deleteServices(api, object.name)
  await api.delete(object)
  await api.deletePodsNow(object.name, notOurs)
}

async function deleteServices(api: Kubernetes, namespace: string): Promise<void> {
  try {
    const { items } = await api.list(SERVICE, { namespace })
    if (items.length === 0) return
    await Promise.all(items.map((item) => api.delete({ kind: SERVICE, name: item.metadata?.name ?? '', namespace })))
    await until(
      api,
      { kind: INGRESS, namespace },
      (left) => (left.length ? `${left.length} still exist` : undefined),
      'configPush',
    )
  } catch (problem) {
    // Without Knative, or with one that does not finish, the namespace goes all the same, only later.
    if (!(problem instanceof StackFailure)) throw problem
  }
}

async function attempt(entry: JournalEntry, left: string[], undo: () => Promise<void>): Promise<void> {
  try {
    await undo()
  } catch (problem) {
    const verb = entry.what === 'made' ? 'deleted' : 'restored'
    left.push(`${nameOfId(entry.object)} was not ${verb}: ${plainMessage(problem)}`)
  }
}
