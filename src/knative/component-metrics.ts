import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { askPod } from '../kube/forward.ts'
import { POD_AUTOSCALER } from '../kube/kinds.ts'
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
 * Which components export metrics under the names of a version of Knative. Of several pods of one component one must
 * have those names, since only its leader works, and the autoscaler none while there is no revision; every pod must
 * answer. Up to five pods of revisions are read; one whose queue-proxy is of another version, as after an upgrade until
 * its revision is made anew, is not. Ports are forwarded: a sidecar under STRICT lets nothing else in.
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
  const idle = (await stack.all(POD_AUTOSCALER)).length === 0
  const results = await Promise.all(
    [...own.flat(), ...ofRevisions].map(async (exporter) => ({ exporter, told: await metricsTold(stack, exporter) })),
  )
  const present = results.flatMap(({ exporter, told }) => (told === 'gone' ? [] : [{ exporter, told }]))
  const names = metricsOf(version)
  const troubles: Trouble[] = []
  for (const [component, some] of Map.groupBy(present, ({ exporter }) => exporter.component)) {
    const expected = component === 'autoscaler' && idle ? ANY : names[component]
    const leaders = component !== 'queue-proxy' && some.some(({ told }) => told !== undefined && expected.test(told))
    for (const { exporter, told } of some) {
      const missing = missingIn(told, leaders ? ANY : expected, exporter.port)
      const { namespace = '' } = exporter.pod.metadata ?? {}
      if (missing) troubles.push({ component, namespace, text: `${component} (${nameOf(exporter.pod)}): ${missing}` })
    }
  }
  const lacking = new Set(troubles.map(({ component }) => component))
  return {
    exposed: [...new Set(present.map(({ exporter }) => exporter.component))].filter((each) => !lacking.has(each)),
    missing: troubles.filter(({ component }) => component !== 'queue-proxy').map(({ text }) => text),
    tenants: troubles.filter(({ component }) => component === 'queue-proxy'),
    revisions: present.filter(({ exporter }) => exporter.component === 'queue-proxy').length,
  }
}

/** What every program with metrics exports. */
const ANY = /^[a-z_]+(\{[^}]*\})? [\d.e+-]+/m

interface Trouble {
  component: Exporter['component']
  namespace: string
  text: string
}

function missingIn(told: string | undefined, expected: RegExp, port: number): string | undefined {
  if (told === undefined) return `port ${port} does not answer`
  return expected.test(told) ? undefined : `no metric on port ${port} matches ${expected.source}`
}

const nameOf = ({ metadata }: KubernetesObject): string => `pod ${metadata?.namespace}/${metadata?.name}`

const queueImageOf = (pod: KubernetesObject): string | undefined =>
  imageName(
    ((pod.spec?.containers ?? []) as { name: string; image: string }[]).find(({ name }) => name === 'queue-proxy')
      ?.image,
  )

/** An image without its registry and folders, which a policy may have changed to a mirror's. */
const imageName = (image: string | undefined): string | undefined => image?.split('/').at(-1)

/** A pod's metrics, undefined where its port does not answer, or 'gone' where the pod is gone since it was listed. */
async function metricsTold(cluster: Cluster, { pod, port }: Exporter): Promise<string | undefined> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  try {
    return await askPod(cluster.k8s, { name, namespace, port }, { path: '/metrics' })
  } catch (problem) {
    if (!(problem instanceof StackFailure)) throw problem
    return (await isThere(cluster, pod)) ? undefined : 'gone'
  }
}

/** Whether a pod is there still, and not on its way out. */
export async function isThere(cluster: Cluster, { metadata }: KubernetesObject): Promise<boolean> {
  const current = await cluster.k8s.find('v1/Pod', metadata?.name ?? '', metadata?.namespace)
  return current !== undefined && !current.metadata?.deletionTimestamp
}
