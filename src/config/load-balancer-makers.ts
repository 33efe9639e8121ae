/** Who makes the load balancers of Services, as a survey tells them apart and stack.yaml may say it. */
export const MAKERS = [
  'aws-lbc',
  'eks-auto',
  'ccm',
  'tgb',
  'metallb',
  'kube-vip',
  'servicelb',
  'cilium',
  'kind',
  'none',
  'other',
] as const

export type Maker = (typeof MAKERS)[number]
