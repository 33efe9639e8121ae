import type { Labels, LabelSelector } from './survey.ts'

/** A label of every namespace that the API server sets itself. */
const NAME = 'kubernetes.io/metadata.name'

/**
 * The labels by which istiod takes a namespace of ours in: those of the first of its discoverySelectors that labels can
 * meet. None where there are no selectors: then it takes every namespace.
 */
export function labelsOfDiscovery(selectors: readonly LabelSelector[]): Labels {
  for (const { matchLabels = {}, matchExpressions = [] } of selectors) {
    const labels: Record<string, string> = { ...matchLabels }
    for (const { key, operator, values = [] } of matchExpressions) {
      if (operator === 'In' && labels[key] === undefined) labels[key] = values[0] ?? ''
      if (operator === 'Exists' && labels[key] === undefined) labels[key] = 'true'
    }
    const holds = matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'NotIn') return value === undefined || !values.includes(value)
      if (operator === 'DoesNotExist') return value === undefined
      return value !== undefined && (operator !== 'In' || values.includes(value))
    })
    if (holds && !(NAME in labels)) return labels
  }
  return {}
}
