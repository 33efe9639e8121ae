import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { found, unknown, type Fact } from './fact.ts'

const LABELS = ['app.kubernetes.io/version', 'serving.knative.dev/release']

/**
 * The version of a component, without a `v`: by a label of its workload, else by the tag of its first image. One that
 * is
 * run by a digest tells none.
 */
export function versionOfWorkload(workload: KubernetesObject): Fact<string> {
  const name = objectName(workload)
  for (const label of LABELS) {
    const version = workload.metadata?.labels?.[label]
    if (version) return found(version.replace(/^v/, ''), `${name}: label ${label}`)
  }
  const image = String(workload.spec?.template?.spec?.containers?.[0]?.image ?? '')
  const tag = /:v?(\d+\.\d+[^:/@]*)(@.*)?$/.exec(image)?.[1]
  if (tag) return found(tag, `${name}: image ${image}`)
  return unknown(`${name} does not tell its version: it has no label ${LABELS[0]}, and its image ${image} has no tag.`)
}
