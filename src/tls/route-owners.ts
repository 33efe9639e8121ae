import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import { ROUTE } from '../kube/kinds.ts'
import { objectName } from '../kube/object-id.ts'
import { KNATIVE_CERTIFICATE } from './certificate-objects.ts'

const MANAGED_BY = 'app.kubernetes.io/managed-by'
// What Knative makes of the other two TLS settings has other issuers.
const EXTERNAL = [undefined, 'external-domain']
const OPT_OUT = ['networking.knative.dev/disable-external-domain-tls', 'networking.knative.dev/disableAutoTLS']

/** What gets a certificate once external-domain-tls is on. */
const KINDS = [ROUTE, 'serving.knative.dev/v1beta1/DomainMapping', KNATIVE_CERTIFICATE]

/**
 * The namespaces of Routes that are ours: this run's, and those of Services that carry our label, as the one that `up`
 * leaves to look at.
 * @throws DoesNotApply where somebody else's Service, domain or certificate would change with the setting
 */
export async function requireOwnRoutesOnly(cluster: Cluster): Promise<string[]> {
  const lists = await Promise.all(KINDS.map((kind) => listServed(cluster, kind)))
  const all = lists.flat().filter(isReached)
  const isOurs = ({ metadata }: KubernetesObject) =>
    metadata?.labels?.[MANAGED_BY] === 'plumbline' ||
    Boolean(metadata?.namespace?.startsWith('plumb-') && metadata.namespace.endsWith(`-${cluster.runTag}`))
  const [first, ...more] = all.filter((object) => !isOurs(object))
  if (first)
    throw new DoesNotApply(
      `external-domain-tls is off; turned on, it would order certificates for others: ${objectName(first)}` +
        `${more.length ? ` and ${more.length} more` : ''}. Nothing was changed.`,
    )
  return [...new Set(all.map(({ metadata }) => metadata?.namespace ?? ''))].filter(Boolean)
}

/** Whether the setting reaches an object: not what is local to the cluster, nor what has opted out. */
function isReached({ kind, metadata }: KubernetesObject): boolean {
  const { labels = {}, annotations = {} } = metadata ?? {}
  if (kind === 'Certificate') return EXTERNAL.includes(labels['networking.knative.dev/certificate-type'])
  const optedOut = OPT_OUT.some((annotation) => annotations[annotation]?.toLowerCase() === 'true')
  return !optedOut && labels['networking.knative.dev/visibility'] !== 'cluster-local'
}

async function listServed({ k8s }: Cluster, kind: string): Promise<KubernetesObject[]> {
  try {
    return (await k8s.list(kind)).items
  } catch (problem) {
    if (problem instanceof StackFailure && problem.message.startsWith('The cluster does not serve')) return []
    throw problem
  }
}
