import type { KubernetesObject } from '../core/object.ts'
import { readyPods } from '../kube/pods.ts'
import { absent, found, lookFor, type Fact } from './fact.ts'
import { askReadyPod } from './pod-answers.ts'
import type { Readings } from './readings.ts'
import type { Istiod } from './survey.ts'
import { isPodOf } from './workloads.ts'

/** One proxy of those that are connected to the pod that is asked. */
interface Listed {
  proxy?: string
}

/**
 * The istiod that one of the pods is connected to; undefined where no pod of an istiod that answered lists one. Of each
 * istiod two pods are asked at most.
 */
export async function istiodByConnection(
  readings: Readings,
  pods: readonly KubernetesObject[],
  istiods: readonly Istiod[],
): Promise<Fact<string> | undefined> {
  const names = new Set(pods.map(({ metadata }) => `${metadata?.name}.${metadata?.namespace}`))
  const all = await readings.list('v1/Pod')
  const asked = istiods.flatMap((istiod) => {
    const ready = readyPods(all.filter((pod) => isPodOf(istiod.workload, pod)))
    return ready.slice(0, 2).map((pod) => ({ istiod, pod }))
  })
  const answers = asked.map(async ({ istiod, pod }): Promise<Fact<string> | undefined> => {
    const what = { port: istiod.ports.debug, path: '/debug/syncz', what: "istiod's proxies" }
    const answer = await lookFor('', async () => found(await askReadyPod(readings, [pod], what), ''))
    if (!('value' in answer)) return undefined
    const listed = (JSON.parse(answer.value.body) as Listed[]).some(({ proxy = '' }) => names.has(proxy))
    return listed ? found(istiodName(istiod), `/debug/syncz of ${answer.value.pod}`) : undefined
  })
  return (await Promise.all(answers)).find((answer) => answer !== undefined)
}

export const istiodName = ({ workload }: Istiod): string => `${workload.namespace}/${workload.name}`

/**
 * The istiod that configures a proxy, by what stands on its pod: the annotation istio.io/rev, the revision in
 * sidecar.istio.io/status, the label istio.io/rev, which may be a tag.
 */
export function istiodOfPods(pods: readonly KubernetesObject[], istiods: readonly Istiod[]): Fact<string> {
  const [only, ...others] = istiods
  if (!only) return absent('No istiod was found in the cluster.')
  for (const { metadata } of pods) {
    const { annotations = {}, labels = {} } = metadata ?? {}
    const marks: readonly (readonly [by: string, revision: string | undefined])[] = [
      ['annotation istio.io/rev', annotations['istio.io/rev']],
      ['annotation sidecar.istio.io/status', revisionIn(annotations['sidecar.istio.io/status'])],
      ['label istio.io/rev', labels['istio.io/rev']],
    ]
    for (const [by, revision] of marks) {
      const means = istiods.filter((each) => each.revision === revision || each.tags.includes(revision ?? ''))
      // Two of one revision stand in two namespaces: the pod's own comes first.
      const own = means.find(({ workload }) => workload.namespace === metadata?.namespace) ?? means[0]
      if (revision && own) return found(istiodName(own), `Pod ${metadata?.namespace}/${metadata?.name}: ${by}`)
    }
  }
  if (others.length === 0) return found(istiodName(only), 'it is the only istiod')
  const usual = istiods.find(({ revision, tags }) => revision === 'default' || tags.includes('default'))
  return found(istiodName(usual ?? only), 'no pod of the gateway names a revision: the default one')
}

function revisionIn(status: string | undefined): string | undefined {
  try {
    return status ? (JSON.parse(status) as { revision?: string }).revision : undefined
  } catch {
    return undefined
  }
}
