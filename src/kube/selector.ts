/** A label selector as objects of Kubernetes have it (metav1.LabelSelector). */
export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

/**
 * Whether a selector selects labels: one that is there and empty selects all, one that is absent none (apimachinery,
 * LabelSelectorAsSelector). Where an API takes an absent one for an empty one, as NetworkPolicy's podSelector, its
 * caller says so.
 */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  if (!selector) return false
  const { matchLabels = {}, matchExpressions = [] } = selector
  return hasLabels(labels, matchLabels) && matchExpressions.every((expression) => matches(expression, labels))
}

/** Whether the selector of a Service, plain labels, selects labels: an empty or absent one selects nothing. */
export const selectedByService = (
  selector: Record<string, string> | undefined,
  labels: Record<string, string>,
): boolean => selector !== undefined && Object.keys(selector).length > 0 && hasLabels(labels, selector)

const hasLabels = (labels: Record<string, string>, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

function matches(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  labels: Record<string, string>,
): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      // The API server admits no other operator.
      throw new Error(`label selector: operator is ${operator}, expected In, NotIn, Exists or DoesNotExist`)
  }
}

/** A label selector in the form that a LIST takes: 'app=web,tier=front'. */
export const labelQuery = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
