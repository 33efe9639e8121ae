import { UsageProblem } from '../core/problem.ts'
import { readManifest } from '../kube/manifest.ts'
import { allAvailable, applyAll, applyPatiently } from './apply-all.ts'
import { deploymentMark, type Component } from './component.ts'
import { readRelease, releases } from './release.ts'

/** MetalLB stands in for the NLB on kind: it gives the gateway's Service an address of Docker's network. */
export const metallb: Component = {
  name: 'metallb',
  after: [],
  mark: deploymentMark('metallb-system', 'controller'),
  objects: ({ config }) => readRelease(releases.metallb, config),
  async install({ api, config, signal }) {
    const objects = await readRelease(releases.metallb, config)
    await applyAll(api, objects, signal)
    await allAvailable(api, objects)
    const pool = config.bring.pool ?? (await endOfDockerNetwork())
    for (const object of readManifest('kind/metallb-pool.yaml', { pool })) await applyPatiently(api, object, signal)
  },
}

/** The last addresses of the network that kind's nodes are in: Docker gives out the first ones. */
async function endOfDockerNetwork(): Promise<string> {
  // Loaded only here: it takes half a second, and only an installation needs it.
  const { getContainerRuntimeClient } = await import('testcontainers')
  const runtime = await getContainerRuntimeClient()
  const network = (await runtime.network.getById('kind').inspect()) as { IPAM?: { Config?: { Subnet?: string }[] } }
  const subnets = (network.IPAM?.Config ?? []).map((each) => each.Subnet ?? '')
  const subnet = subnets.find((each) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(each))
  if (!subnet)
    throw new UsageProblem(
      "Docker's network kind has no IPv4 subnet. Set MetalLB's address pool in stack.yaml: bring.pool.",
    )
  return poolOf(subnet)
}

/**
 * The pool at the end of an IPv4 subnet: '172.18.0.0/16' gives '172.18.255.200-172.18.255.250'.
 * @throws UsageProblem where the subnet is too small to hold one
 */
export function poolOf(subnet: string): string {
  const [base = '', bits = '32'] = subnet.split('/')
  if (Number(bits) > 24)
    throw new UsageProblem(
      `Docker's network ${subnet} is too small for an address pool. Set one in stack.yaml: bring.pool.`,
    )
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const last = number + 2 ** (32 - Number(bits)) - 256
  const text = (at: number) => [24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')
  return `${text(last + 200)}-${text(last + 250)}`
}
