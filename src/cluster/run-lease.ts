import { hostname } from 'node:os'
import { EFFECTS, type Effect } from '../core/record.ts'
import { RUN_LABEL, shortRunId } from '../config/run-info.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import type { Journal } from './journal.ts'
import type { Ours } from './ours.ts'
import { namespaceObject } from './own-namespace.ts'

const LEASE = 'coordination.k8s.io/v1/Lease'
const EFFECT = 'plumbline.dev/effect'
const PREFIX = 'plumb-run-'
/** How long a run counts as alive after its last renewal. */
const DURATION_SECONDS = 30
const RENEW_EVERY_MS = 10_000

/** A run whose Lease in the cluster is not older than it says; all times are by the API server's clock. */
export interface LivingRun {
  run: string
  /** The machine that it runs on. */
  host: string
  since: Date
  renewedSecondsAgo: number
  /** The most that its checks do to the cluster. */
  effect: Effect
}

/** Whether a run changes what others see, so that only one such run may go on at a time. */
export const changesCluster = (effect: Effect): boolean => effect === 'tunes' || effect === 'disrupts'

/**
 * The namespace of a run's Lease, its own: for a namespace that is there the run would need more rights than for the
 * objects that its checks make.
 */
export const leaseNamespace = (run: string): string => `${PREFIX}${shortRunId(run)}`

const leaseOf = (run: string) => ({ kind: LEASE, name: `plumbline-${run}`, namespace: leaseNamespace(run) })

/**
 * Makes a run's Lease in the cluster: the journal has its namespace first.
 * @throws where the cluster does not allow it
 */
export async function takeLease(
  api: Kubernetes,
  journal: Journal,
  { id, effect, ours }: { id: string; effect: Effect; ours: Ours },
): Promise<void> {
  const { name, namespace } = leaseOf(id)
  const labels = { [RUN_LABEL]: id, 'app.kubernetes.io/managed-by': 'plumbline' }
  const now = microTime(await api.clock())
  journal.made({ kind: 'v1/Namespace', name: namespace })
  await api.apply(namespaceObject(namespace, id, ours, { ...ours.labels, ...ours.namespaceLabels }))
  await api.apply({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace, labels: { ...ours.labels, ...labels }, annotations: { [EFFECT]: effect } },
    spec: {
      holderIdentity: `${hostname()}/${process.pid}`,
      acquireTime: now,
      renewTime: now,
      leaseDurationSeconds: DURATION_SECONDS,
    },
  })
}

/**
 * Renews a run's Lease every ten seconds until the returned function is called. A renewal that fails is made up by the
 * next.
 */
export function keepLease(api: Kubernetes, run: string): () => void {
  const renew = async () => {
    const spec = { renewTime: microTime(await api.clock()), holderIdentity: `${hostname()}/${process.pid}` }
    await api.patch(leaseOf(run), { spec })
  }
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_EVERY_MS).unref()
  return () => clearInterval(timer)
}

/** The runs whose Leases in the cluster are not over, oldest first. @throws where they cannot be listed */
export async function livingRuns(api: Kubernetes): Promise<LivingRun[]> {
  const [{ items: namespaces }, now] = await Promise.all([
    api.list('v1/Namespace', { labels: RUN_LABEL }),
    api.clock().then((date) => date.getTime()),
  ])
  const own = namespaces.filter(({ metadata }) => metadata?.name?.startsWith(PREFIX) && !metadata.deletionTimestamp)
  const leases = await Promise.all(own.map(({ metadata }) => api.list(LEASE, { namespace: metadata?.name })))
  return leases
    .flatMap(({ items }) => items)
    .map(({ metadata, spec }) => ({
      run: metadata?.labels?.[RUN_LABEL] ?? '',
      host: String(spec?.holderIdentity ?? '').replace(/\/\d+$/, ''),
      since: new Date(String(spec?.acquireTime)),
      renewedSecondsAgo: Math.max(0, Math.round((now - new Date(String(spec?.renewTime)).getTime()) / 1000)),
      effect: EFFECTS.find((effect) => effect === metadata?.annotations?.[EFFECT]) ?? 'disrupts',
    }))
    .filter(({ renewedSecondsAgo }) => renewedSecondsAgo <= DURATION_SECONDS)
    .toSorted((a, b) => a.since.getTime() - b.since.getTime() || a.run.localeCompare(b.run))
}

/** A time as Kubernetes' MicroTime. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')
