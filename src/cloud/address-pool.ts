import { BlockList, isIP } from 'node:net'

/** Whether an address is in one of MetalLB's ranges: FIRST-LAST or a CIDR. */
export function addressInPools(address: string, pools: readonly string[]): boolean {
  const family = (ip: string) => (isIP(ip) === 6 ? 'ipv6' : 'ipv4')
  if (!isIP(address)) return false
  const list = new BlockList()
  for (const pool of pools) {
    const [first = '', last = ''] = pool.split('-').map((part) => part.trim())
    const [net = '', bits = ''] = pool.split('/')
    if (pool.includes('/')) list.addSubnet(net, Number(bits), family(net))
    else list.addRange(first, last, family(first))
  }
  return list.check(address, family(address))
}
