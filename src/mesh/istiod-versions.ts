import type { Cluster } from '../cluster/cluster.ts'
import { minorOf } from '../config/supported-versions.ts'
import { allIstiods, theIstiod } from '../survey/surveyed.ts'
import type { Istio } from './istio.ts'
import { istiodName, type Proxy } from './proxies.ts'

/** The versions of each istiod's pods, by NAMESPACE/NAME of its workload. */
export type IstiodVersions = ReadonlyMap<string, readonly string[]>

/** Asks every istiod for its version; one that was scaled to nothing has none to tell. */
export async function istiodVersions(stack: Cluster & { istio: Istio }): Promise<IstiodVersions> {
  const own = await theIstiod(stack)
  const istiods = (await allIstiods(stack)).filter((each) => each === own || each.workload.replicas > 0)
  const versions = await Promise.all(istiods.map((istiod) => stack.istio.istiodVersions(istiod)))
  return new Map(istiods.map((istiod, at) => [istiodName(istiod), [...new Set(versions[at])]]))
}

/** Whether a proxy is more than one minor version older than its istiod, or tells no version. */
export function isTooOld({ istio_version, istiod }: Proxy, versions: IstiodVersions): boolean {
  const minor = (version: string) => Number(minorOf(version)?.split('.')[1])
  const newest = Math.max(...(versions.get(istiodName(istiod)) ?? []).map(minor))
  return !(newest - minor(istio_version) <= 1)
}
