import { workloadNamespace } from '../cluster/workload.ts'
import { tuneSetting } from '../knative/tune-setting.ts'
import { servedKind } from '../cluster/served.ts'
import type { Sample } from '../traffic/samples.ts'
import type { Stack } from '../stack/stack.ts'
import { recordWhile } from '../cluster/timeline.ts'

/** What config-network's rollout-duration is set to. */
export const ROLLOUT_SECONDS = 10
const RATE = 100
const SCALING = { 'min-scale': '1', 'max-scale': '1' }

/**
 * Sets rollout-duration, creates a new revision, and records how its traffic share grows: each weight of the new
 * revision in the VirtualService, and the seconds between its first answer and the last of the old revision. (The
 * Route's status reports 100 % at times while the share is still lower.)
 */
export async function recordRollout(stack: Stack): Promise<{ shares: number[]; seconds: number; samples: Sample[] }> {
  await tuneSetting(stack, 'config-network', { 'rollout-duration': String(ROLLOUT_SECONDS) })
  const namespace = await workloadNamespace(stack, 'gradual')
  const old = await stack.knative.service(namespace, 'gradual', { scaling: SCALING, env: { VERSION: 'v1' } })
  const { samples, result } = await stack.ingress.probeWhile({ host: old.host }, { rate: RATE }, async (prober) => {
    const roll = async () => {
      await stack.knative.service(namespace, 'gradual', { scaling: SCALING, env: { VERSION: 'v2' } })
      await prober.untilInARow('answers of v2 only', 200, ({ version }) => version === 'v2', 'scale')
    }
    const kind = await servedKind(stack, 'networking.istio.io/VirtualService')
    return recordWhile(stack.k8s, { kind, namespace, name: 'gradual-ingress' }, roll)
  })
  const shares: number[] = []
  for (const { objects } of result.snapshots) {
    const routes = (objects[0]?.spec?.http ?? []) as { route?: { destination: { host: string }; weight?: number }[] }[]
    const share = (routes.at(-1)?.route ?? [])
      .filter(({ destination }) => !destination.host.startsWith(`${old.revision}.`))
      .reduce((sum, { weight = 100 }) => sum + weight, 0)
    if (share > 0 && share !== shares.at(-1)) shares.push(share)
  }
  const first = samples.find(({ version }) => version === 'v2')?.due ?? 0
  const last = samples.findLast(({ version }) => version === 'v1')?.due ?? 0
  return { shares, seconds: (last - first) / 1000, samples }
}
