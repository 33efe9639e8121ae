import type { Check } from '../check/check.ts'
import { SUITES } from '../core/record.ts'
import type { MatrixReport } from './matrix-report.ts'
import type { Trial } from './trial.ts'

/** A text with which a check failed, and the fault that it noticed. */
interface Failure {
  sabotage: string
  breaks: string
  text: string
}

/**
 * docs/failures.md: for each check of the catalogue what it asserts, the text with which it failed in each trial of the
 * matrix that broke what it looks at, and what to do then. It is there to be read as a whole.
 */
export function failuresMarkdown(checks: readonly Check[], { target, trials }: MatrixReport): string {
  const suites = SUITES.map((suite) => {
    const sections = checks
      .filter((check) => check.suite === suite)
      .map((check) => section(check, failuresOf(check.id, trials)))
    return [`## ${suite}`, ...sections].join('\n\n')
  })
  const head = [
    '# Failures',
    [
      `The texts with which checks fail, from a sabotage matrix on the target ${target}:`,
      'the fault, what the check said, and what to do.',
    ].join('\n'),
    'Names in the texts are those of that stack. This file is generated: `npm run failures`.',
  ]
  return `${[...head, ...suites].join('\n\n')}\n`
}

const failuresOf = (check: string, trials: readonly Trial[]): Failure[] =>
  trials.flatMap(({ sabotage, breaks, fails, said }) => {
    const text = said[check]
    return fails.includes(check) && text !== undefined ? [{ sabotage, breaks, text }] : []
  })

function section({ id, asserts, level, remedy }: Check, failures: readonly Failure[]): string {
  const texts = failures.map(({ sabotage, breaks, text }) => `- \`${sabotage}\` (${breaks}):\n\n${quote(text)}`)
  const steps = [remedy].flat().map((step, at) => `${at + 1}. ${step}.`)
  return [
    `### ${id}`,
    `Asserts (${level}): ${asserts}.`,
    ...(texts.length ? texts : ['No trial of this matrix broke what this check looks at.']),
    `To do:`,
    steps.join('\n'),
  ].join('\n\n')
}

/** An indented block: what a cluster says is shown as it is, and never read as Markdown. */
const quote = (text: string): string =>
  text
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n')
