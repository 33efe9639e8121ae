const UNITS: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9 }

/** '250m' and '2' in thousandths of a CPU. */
export const milliCpu = (quantity: string): number =>
  quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000

/** '32Mi' in bytes. */
export function memoryBytes(quantity: string): number {
  const [, amount = '0', unit = ''] = /^([\d.]+)(\w*)$/.exec(quantity) ?? []
  return Number(amount) * (UNITS[unit] ?? 1)
}
