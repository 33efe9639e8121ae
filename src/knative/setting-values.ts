// Why a value of a setting does not parse, or undefined where it does; as Knative parses it.
import { goDuration } from './go-duration.ts'

/** A number of at least `from`, or above it where it is `open`. */
export const number =
  (from: number, open = false) =>
  (value: string) => {
    const parsed = Number(value)
    if (value.trim() === '' || Number.isNaN(parsed)) return `"${value}" is not a number`
    return open
      ? parsed > from
        ? undefined
        : `${value} is not greater than ${from}`
      : parsed >= from
        ? undefined
        : `${value} is less than ${from}`
  }
/** A number from `from` to `to`. */
export const between = (from: number, to: number) => (value: string) =>
  number(from)(value) ?? (Number(value) > to ? `${value} is greater than ${to}` : undefined)
/** A whole number of at least `from`. */
export const integer = (from: number) => (value: string) =>
  /^-?\d+$/.test(value) ? number(from)(value) : `"${value}" is not an integer`
/** What Go's strconv.ParseBool takes. */
export const boolean = (value: string) =>
  /^(true|false|1|0|t|f)$/i.test(value) ? undefined : `"${value}" is neither true nor false`

/** A duration of Go, in milliseconds from `from` to `to`. */
export const duration =
  (from: number, to = Infinity) =>
  (value: string) => {
    const ms = goDuration(value)
    if (ms === undefined) return `"${value}" is not a duration such as 30s`
    return ms < from || ms > to ? `${value} is outside the range ${from / 1000} s to ${to / 1000} s` : undefined
  }

/** One of some words, in any case: Knative compares most with EqualFold, and ignores what is none of them. */
export const choice =
  (...words: string[]) =>
  (value: string) =>
    words.includes(value.toLowerCase()) ? undefined : `"${value}" is none of ${words.join(', ')}`

/** A quantity of Kubernetes, such as 25m or 400Mi (apimachinery, pkg/api/resource); empty is not set. */
export const quantity = (value: string): string | undefined =>
  value === '' || /^[+-]?\d+(\.\d+)?([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(value)
    ? undefined
    : `"${value}" is not a quantity such as 25m or 400Mi`

/** Any text will do. */
export const text = (): undefined => undefined
