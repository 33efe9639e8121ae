import { quantityToScalar } from '@kubernetes/client-node/dist/util.js'

// client-node multiplies only integers by a suffix such as Mi, and Kubernetes takes 1.5Gi: the suffix is converted
// alone.
function scalarOf(quantity: string): number {
  const [, amount = '0', suffix = ''] = /^([+-]?[\d.]+)(.*)$/.exec(quantity) ?? []
  return Number(amount) * Number(quantityToScalar(`1${suffix}`))
}

/** A quantity of CPU such as 250m or 2, in thousandths of a CPU. @throws Error for an unknown suffix */
export const milliCpu = (quantity: string): number => scalarOf(quantity) * 1000

/** A quantity of memory such as 32Mi, in bytes. @throws Error for an unknown suffix */
export const memoryBytes = (quantity: string): number => scalarOf(quantity)
