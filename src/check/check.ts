import type { ExpectStatic } from 'vitest'
import type { Stack } from '../stack/stack.ts'
import type { DeadlineName } from '../core/deadlines.ts'
import { SUITES, type Capability, type Effect, type Level, type Suite } from '../core/record.ts'

export interface CheckMeta {
  /** One sentence: what is true when the check passes. */
  asserts: string
  /** The parts of the guide that ask for it, as '2' or '2,4'. */
  guide: string
  level: Level
  effect: Effect
  /** Checks that must have passed for this one to mean anything. */
  needs?: readonly string[]
  /** What the target must offer; without it the check is skipped with that reason. */
  requires?: readonly Capability[]
  /** What to do when it fails: steps in their order, each a sentence without its full stop. */
  remedy: string | readonly string[]
  /** The deadline of the whole body, by its name in deadlines.ts; `check` where not given. */
  within?: DeadlineName
}

/** What a check's body is handed. */
export interface CheckContext {
  stack: Stack
  expect: ExpectStatic
  /** Puts a figure with its unit into the report. */
  measure: (name: string, value: number, unit: string) => void
  /**
   * Says what is wrong with an object that is a tenant's and not the stack's, in a sentence, with the tenant's
   * namespace. The check passes all the same.
   */
  remark: (text: string, namespace?: string) => void
  /** Puts a text into the report beside what was seen, whatever the outcome; one named *.svg is shown as a picture. */
  attach: (name: string, text: string) => void
  /** Aborts at the check's deadline and when the run is cut short. */
  signal: AbortSignal
}

/** Gives the sentence of what was seen, which stands in the report beside a pass. Throws to fail. */
export type CheckBody = (context: CheckContext) => Promise<string> | string

export interface Check extends CheckMeta {
  id: string
  suite: Suite
  body: CheckBody
}

const registered = new Map<string, Check>()

/**
 * Declares one check. Its id is SUITE/NAME; a suite's vitest file turns what is declared into tests.
 * @throws Error if the id is taken or does not start with a suite's name
 */
export function check(id: string, meta: CheckMeta, body: CheckBody): void {
  const suite = SUITES.find((name) => id.startsWith(`${name}/`))
  if (!suite) throw new Error(`check id "${id}" must start with one of ${SUITES.join(', ')} and a slash`)
  if (registered.has(id)) throw new Error(`check id "${id}" is declared twice`)
  registered.set(id, { ...meta, id, suite, body })
}

/** The checks declared so far in this process, in the order of their declaration. */
export const declaredChecks = (): Check[] => [...registered.values()]
