import type { KubeConfig } from '@kubernetes/client-node'

/** The EKS cluster of a kubeconfig's current context, by its endpoint, its name, and its exec plugin's arguments. */
export interface EksContext {
  isEks: boolean
  cluster?: string
  region?: string
}

/** Reads the current context as `aws eks update-kubeconfig` and eksctl write one. */
export function eksOf(config: KubeConfig): EksContext {
  const { server = '', name = '' } = config.getCurrentCluster() ?? {}
  const args = (config.getCurrentUser()?.exec as { args?: string[] } | undefined)?.args ?? []
  const after = (...flags: string[]) => args[args.findIndex((arg) => flags.includes(arg)) + 1]
  const has = (...flags: string[]) => args.some((arg) => flags.includes(arg))
  const [, regionOfArn, nameOfArn] = /^arn:aws[^:]*:eks:([^:]+):\d*:cluster\/(.+)$/.exec(name) ?? []
  const regionOfServer = /\.([a-z0-9-]+)\.eks\.amazonaws\.com/.exec(server)?.[1]
  const cluster = has('--cluster-name', '-i', '--cluster-id')
    ? after('--cluster-name', '-i', '--cluster-id')
    : nameOfArn
  const region = has('--region') ? after('--region') : (regionOfArn ?? regionOfServer)
  return {
    isEks: Boolean(regionOfServer ?? nameOfArn) || (args.includes('get-token') && args.includes('eks')),
    ...(cluster ? { cluster } : {}),
    ...(region ? { region } : {}),
  }
}
