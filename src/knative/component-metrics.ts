import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { askPod } from '../kube/forward.ts'
import { readyPods } from '../kube/pods.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { podsOfComponent } from './component-pods.ts'
import type { Knative } from './knative.ts'
import { metricsOf } from './settings.ts'

const EXPORTERS = ['autoscaler', 'activator', 'controller'] as const

/** A pod that must export metrics, and where. */
interface Exporter {
  component: (typeof EXPORTERS)[number] | 'queue-proxy'
  pod: KubernetesObject
  port: number
}

/** What came of reading the metrics of Knative's components. */
export interface ComponentMetrics {
  exposed: string[]
  /** A sentence for each pod of Knative that does not export them. */
  missing: string[]
  /** The same for tenants' pods, with their namespace. */
  tenants: { text: string; namespace: string }[]
  /** How many pods of revisions were read. */
  revisions: number
}

/**
 * Which components export metrics under the names of a version of Knative. Up to five pods of revisions are read; one
 * whose queue-proxy is of another version, as after an upgrade until its revision is made anew, is not. Ports are
 * forwarded: a sidecar under STRICT lets nothing else in.
 */
export async function componentMetrics(
  stack: Cluster & { knative: Knative },
  version: string,
): Promise<ComponentMetrics> {
  const own = await Promise.all(
    EXPORTERS.map(async (component) =>
      readyPods(await podsOfComponent(stack, component)).map((pod): Exporter => ({ component, pod, port: 9090 })),
    ),
  )
  const current = imageName((await stack.knative.settings('config-deployment'))['queue-sidecar-image'])
  const ofRevisions = readyPods(await stack.all('v1/Pod'))
    .filter((pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && queueImageOf(pod) === current)
    .slice(0, 5)
    .map((pod): Exporter => ({ component: 'queue-proxy', pod, port: 9091 }))
  const results = await Promise.all(
    [...own.flat(), ...ofRevisions].map(async (exporter) => ({
      exporter,
      missing: await missingMetrics(stack, exporter, version),
    })),
  )
  const present = results.filter(({ missing }) => missing !== 'gone')
  const troubles = present.flatMap(({ exporter: { component, pod }, missing }) =>
    missing
      ? [{ component, namespace: pod.metadata?.namespace ?? '', text: `${component} (${nameOf(pod)}): ${missing}` }]
      : [],
  )
  return {
    exposed: [...new Set(present.filter(({ missing }) => !missing).map(({ exporter }) => exporter.component))],
    missing: troubles.filter(({ component }) => component !== 'queue-proxy').map(({ text }) => text),
    tenants: troubles.filter(({ component }) => component === 'queue-proxy'),
    revisions: present.filter(({ exporter }) => exporter.component === 'queue-proxy').length,
  }
}

const nameOf = ({ metadata }: KubernetesObject): string => `pod ${metadata?.namespace}/${metadata?.name}`

const queueImageOf = (pod: KubernetesObject): string | undefined =>
  imageName(
    ((pod.spec?.containers ?? []) as { name: string; image: string }[]).find(({ name }) => name === 'queue-proxy')
      ?.image,
  )

/** An image without its registry and folders, which a policy may have changed to a mirror's. */
const imageName = (image: string | undefined): string | undefined => image?.split('/').at(-1)

/** What is missing in a pod's metrics, or 'gone' where the pod is gone since it was listed. */
async function missingMetrics(
  cluster: Cluster,
  { component, pod, port }: Exporter,
  version: string,
): Promise<string | undefined> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const expected = metricsOf(version)[component]
  try {
    const text = await askPod(cluster.k8s, { name, namespace, port }, { path: '/metrics' })
    return expected.test(text) ? undefined : `no metric on port ${port} matches ${expected.source}`
  } catch (problem) {
    if (!(problem instanceof StackFailure)) throw problem
    return (await isThere(cluster, pod)) ? `port ${port} does not answer` : 'gone'
  }
}

/** Whether a pod is there still, and not on its way out. */
export async function isThere(cluster: Cluster, { metadata }: KubernetesObject): Promise<boolean> {
  const current = await cluster.k8s.find('v1/Pod', metadata?.name ?? '', metadata?.namespace)
  return current !== undefined && !current.metadata?.deletionTimestamp
}
