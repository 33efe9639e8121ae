import { selectedByService } from '../kube/selector.ts'
import type { Labels } from './survey.ts'

/** Keys that tell a build or a rollout rather than a gateway. */
const PASSING = /(^|\/)(pod-template-hash|rev|version|chart|managed-by|inject)$/

/**
 * Labels by which a Gateway object selects a gateway and no other one: those of its Service's selector where they do,
 * else the fewest of what all its pods share.
 * @param own the labels of its pods' templates
 * @param others those of the pods of all other gateways
 */
export function gatewayLabels(own: readonly Labels[], others: readonly Labels[], selector: Labels): Labels {
  const hitsOther = (labels: Labels) => others.some((each) => selectedByService({ ...labels }, { ...each }))
  const shared = Object.fromEntries(
    Object.entries(own[0] ?? {}).filter(([key, value]) => own.every((labels) => labels[key] === value)),
  )
  const lasting = Object.fromEntries(Object.entries(shared).filter(([key]) => !PASSING.test(key)))
  const single = (key: string): Labels[] => (lasting[key] === undefined ? [] : [{ [key]: lasting[key] }])
  const isShared = Object.entries(selector).every(([key, value]) => shared[key] === value)
  const candidates: Labels[] = [
    ...single('istio'),
    ...single('app'),
    ...(isShared && Object.keys(selector).length ? [selector] : []),
    ...single('gateway.networking.k8s.io/gateway-name'),
    lasting,
  ]
  return candidates.find((labels) => !hitsOther(labels)) ?? shared
}
