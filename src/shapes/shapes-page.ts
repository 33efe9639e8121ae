import { html } from '../report/markup.ts'
import { plainPage } from '../report/plain-page.ts'
import { isQuiet, type ShapeTrial } from './shape-trial.ts'
import { complaintsOf, countOf, isAllQuiet, type ShapesReport } from './shapes-report.ts'

/** The shapes as a page of its own: each with how it is healthy, and what the checks made of it. */
export function shapesPage(report: ShapesReport): string {
  const { trials, skipped, context, target, seconds, endedAt } = report
  const quiet = trials.filter(isQuiet).length
  return plainPage({
    title: `shapes: ${quiet} of ${trials.length} quiet`,
    isGood: isAllQuiet(report),
    heading: `${quiet} of ${trials.length} healthy shapes without a false alarm`,
    lines: [`on ${context} (${target}) in ${Math.round(seconds)} s, ended ${endedAt}`],
    main: html`
      <table class="matrix">
        <thead>
          <tr>
            <th>shape</th>
            <th>how the stack is set up</th>
            <th>outcome</th>
            <th>passed</th>
            <th>blocked</th>
            <th>seconds</th>
            <th>with a reason</th>
          </tr>
        </thead>
        <tbody>
          ${trials.map(row)}
        </tbody>
      </table>
      ${
        skipped.length > 0 &&
        html`<h2>Not possible on this target</h2>
          <ul>
            ${skipped.map(({ shape, why }) => html`<li>${shape}: ${why}</li>`)}
          </ul>`
      }
    `,
  })
}

const row = (trial: ShapeTrial) => html`
  <tr>
    <td><strong>${trial.shape}</strong></td>
    <td>${trial.healthy}</td>
    <td class=${isQuiet(trial) ? 'pass' : 'fail'}>${isQuiet(trial) ? 'quiet' : complaintsOf(trial).join('; ')}</td>
    <td>${countOf(trial, 'pass')}</td>
    <td>${countOf(trial, 'blocked')}</td>
    <td>${Math.round(trial.seconds)}</td>
    <td>${trial.explained.map(reason)}</td>
  </tr>
`

const reason = ({ check, outcome, because }: ShapeTrial['explained'][number]) => html`
  <p><strong>${check}</strong> ${outcome}: ${because}</p>
`
