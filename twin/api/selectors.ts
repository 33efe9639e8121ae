import type { KubeObject } from './object.ts'
import { badRequest } from './status-error.ts'

// Own code: client-node sends selectors but does not evaluate them.

/** A selector of labels as objects carry it. */
export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

type Labels = Readonly<Record<string, string>> | undefined

/** Whether labels match a selector; an empty selector matches everything, none at all nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false
  const held = labels ?? {}
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => held[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      if (operator === 'In') return key in held && values.includes(held[key] ?? '')
      if (operator === 'NotIn') return !(key in held && values.includes(held[key] ?? ''))
      return operator === 'Exists' ? key in held : !(key in held)
    })
  )
}

/** Whether labels have all of `wanted`, as a Service's selector asks; an empty one selects nothing. */
export const hasLabels = (wanted: Labels, labels: Labels): boolean =>
  Object.keys(wanted ?? {}).length > 0 && Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value)

/**
 * Reads a label selector of a query: 'a=b,c!=d,e in (f,g),!h,i'.
 * @throws StatusError 400 where it is none
 */
function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const terms = [...text.matchAll(/([^,(]+(?:\([^)]*\))?)(?:,|$)/g)].map(([, term]) => (term ?? '').trim())
  const tests = terms.filter(Boolean).map((term): ((labels: Record<string, string>) => boolean) => {
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term)
    if (set) {
      const values = (set[3] ?? '').split(',').map((value) => value.trim())
      const key = set[1] ?? ''
      return set[2] === 'in'
        ? (labels) => key in labels && values.includes(labels[key] ?? '')
        : (labels) => !(key in labels && values.includes(labels[key] ?? ''))
    }
    const comparison = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term)
    if (comparison) {
      const [, key = '', operator, value = ''] = comparison
      return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value
    }
    if (/^![\w./-]+$/.test(term)) return (labels) => !(term.slice(1) in labels)
    if (/^[\w./-]+$/.test(term)) return (labels) => term in labels
    throw badRequest(`unable to parse requirement: found '${term}', expected: a key, '=', '!=', 'in' or 'notin'`)
  })
  return (labels) => tests.every((test) => test(labels ?? {}))
}

/**
 * Reads a field selector: 'metadata.name=a,spec.nodeName!=b'.
 * @throws StatusError 400 where it is none
 */
function parseFieldSelector(text: string): (object: KubeObject) => boolean {
  const tests = text
    .split(',')
    .filter(Boolean)
    .map((term) => {
      const [, path = '', operator, value = ''] = /^([\w.[\]-]+?)(==|=|!=)(.*)$/.exec(term) ?? []
      if (!operator) throw badRequest(`invalid field selector: ${term}`)
      const read = (object: KubeObject) => {
        const found = path
          .split('.')
          .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object)
        return typeof found === 'string' ? found : found === undefined ? '' : JSON.stringify(found)
      }
      return (object: KubeObject) => (read(object) === value) === (operator !== '!=')
    })
  return (object) => tests.every((test) => test(object))
}

/** A filter of both selectors of a query. */
export function filterOf(query: URLSearchParams): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
  return (object) => labels(object.metadata.labels) && fields(object)
}
