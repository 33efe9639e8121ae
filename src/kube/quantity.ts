import { quantityToScalar } from '@kubernetes/client-node/dist/util.js'

/**
 * A quantity as Kubernetes has them (250m, 2, 1.5Gi), as a number of its unit: CPUs or bytes. client-node multiplies
 * only integers by a suffix, so the suffix is converted alone.
 */
export function quantity(text: string): number {
  const [, amount = '0', suffix = ''] = /^([+-]?[\d.]+)(.*)$/.exec(text) ?? []
  return Number(amount) * Number(quantityToScalar(`1${suffix}`))
}
