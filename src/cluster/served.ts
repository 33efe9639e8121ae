import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt } from '../core/problem.ts'
import type { KindName } from '../kube/object-id.ts'
import type { Surveyed } from '../survey/surveyed.ts'

/**
 * The API version of a kind of others that the cluster serves, by its group and kind ('networking.istio.io/Gateway'),
 * as 'networking.istio.io/v1'.
 * @throws NotLookedAt where the API server serves no version that Plumbline knows
 */
export async function servedApi(cluster: Surveyed, groupKind: string): Promise<string> {
  const [group, kind] = groupKind.split('/')
  const version = (await cluster.survey()).platform.served[groupKind]
  if (!version) throw new NotLookedAt(`The API server serves no version of ${kind} (${group}) that Plumbline knows.`)
  return `${group}/${version}`
}

/** As `servedApi`, with the kind: 'networking.istio.io/v1/Gateway'. */
export const servedKind = async (cluster: Surveyed, groupKind: string): Promise<KindName> =>
  `${await servedApi(cluster, groupKind)}/${groupKind.split('/')[1]}`

/** All objects of such a kind, as `cluster.all` gives them; none where it is not served. */
export async function allServed(
  cluster: Surveyed & { all: (kind: KindName) => Promise<KubernetesObject[]> },
  groupKind: string,
): Promise<KubernetesObject[]> {
  const { served } = (await cluster.survey()).platform
  return served[groupKind] ? cluster.all(await servedKind(cluster, groupKind)) : []
}
