import { html } from '../report/markup.ts'
import { plainPage } from '../report/plain-page.ts'
import { type MatrixReport } from './matrix-report.ts'
import { type Trial, isDetected } from './trial.ts'

/** The matrix as a page of its own: each sabotage with the checks that had to notice it, and what they said. */
export function matrixPage(report: MatrixReport): string {
  const { trials, without, context, target, seconds, endedAt, skipped } = report
  const detected = trials.filter(isDetected).length
  return plainPage({
    title: `sabotage: ${detected} of ${trials.length} detected`,
    isGood: detected === trials.length && without.length === 0,
    heading: `${detected} of ${trials.length} sabotages detected`,
    lines: [
      `on ${context} (${target}) in ${Math.round(seconds)} s, ended ${endedAt}`,
      ...(without.length ? [`Checks without a sabotage: ${without.join(', ')}`] : []),
    ],
    main: html`
      <table class="matrix">
        <thead>
          <tr>
            <th>sabotage</th>
            <th>what is broken</th>
            <th>outcome</th>
            <th>what the checks said</th>
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
            ${skipped.map(({ sabotage, why }) => html`<li>${sabotage}: ${why}</li>`)}
          </ul>`
      }
    `,
  })
}

function row(trial: Trial) {
  const wrong = [
    ...trial.missed.map((check) => `missed by ${check}`),
    ...trial.falseAlarms.map((check) => `false alarm of ${check}: ${trial.said[check]}`),
    ...(trial.problem ? [trial.problem] : []),
  ]
  return html`
    <tr>
      <td><strong>${trial.sabotage}</strong></td>
      <td>${trial.breaks}</td>
      <td class=${isDetected(trial) ? 'pass' : 'fail'}>${isDetected(trial) ? 'detected' : wrong.join('; ')}</td>
      <td>
        ${trial.fails.map((check) => html`<p><strong>${check}</strong> ${trial.said[check] ?? 'did not fail'}</p>`)}
      </td>
    </tr>
  `
}
