import type { Fact } from './fact.ts'
import { describeOwner } from './owner.ts'
import type { Labels, Owner, Workload } from './survey.ts'
import { counted } from '../core/counted.ts'

/** One line of what a survey tells: a fact, its value, by what it was found, and the key of stack.yaml before it. */
export interface SurveyRow {
  part: string
  fact: string
  /** `unknown: why` for what could not be looked at, 'none' for what is not there. */
  value: string
  /** Where the value stands; for what is not there, what was looked for. */
  by: string
  /** The key of stack.yaml that overrides it. */
  key?: string
}

/** A fact that has no value: not there, or unknown with the reason. */
type Valueless = Exclude<Fact<unknown>, { value: unknown }>

const valueless = (fact: Valueless): Pick<SurveyRow, 'value' | 'by'> =>
  'unknown' in fact ? { value: `unknown: ${fact.unknown}`, by: '' } : { value: 'none', by: fact.absent }

/** The row of one fact. */
export const rowOf = <T>(
  part: string,
  fact: string,
  value: Fact<T>,
  describe: (value: T) => string,
  key?: string,
): SurveyRow => ({
  ...{ part, fact },
  ...('value' in value ? { value: describe(value.value), by: value.by } : valueless(value)),
  ...(key ? { key } : {}),
})

/** The rows of a part of the stack; one row where it is not there, or could not be looked at. */
export const rowsOfPart = <T>(
  part: string,
  fact: string,
  value: Fact<T>,
  rows: (value: T, by: string) => SurveyRow[],
  key?: string,
): SurveyRow[] =>
  'value' in value ? rows(value.value, value.by) : [{ part, fact, ...valueless(value), ...(key ? { key } : {}) }]

/** Whether a row says that something could not be looked at. */
export const isUnknown = ({ value }: SurveyRow): boolean => value.startsWith('unknown: ')

/** 'Deployment a/b, 2 replicas', and who put it there. */
export const describeWorkload = ({ kind, namespace, name, replicas, hpa, owner }: Workload): string => {
  const count = hpa ? `${hpa.min} to ${hpa.max} replicas` : counted(replicas, 'replica')
  return `${kind} ${namespace}/${name}, ${count}${installedBy(owner)}`
}

export const installedBy = (owner: Owner | undefined): string => (owner ? `, by ${describeOwner(owner)}` : '')

export const describeLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ') || 'none'
