import type { KubernetesObject } from '../core/object.ts'
import { absent, found, type Fact } from './fact.ts'
import type { Istiod } from './survey.ts'

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
