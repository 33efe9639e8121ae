import { renderToString } from 'preact-render-to-string'
import { style } from '../report/html-style.ts'
import { html } from '../report/markup.ts'
import { type MatrixReport } from './matrix-report.ts'
import { type Trial, isDetected } from './trial.ts'

/** The matrix as a page of its own: each sabotage with the checks that had to notice it, and what they said. */
export function matrixPage(report: MatrixReport): string {
  const detected = report.trials.filter(isDetected).length
  const isCleanMatrix = detected === report.trials.length && report.without.length === 0
  const page = html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>sabotage: ${detected} of ${report.trials.length} detected</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header class=${`verdict ${isCleanMatrix ? 'certified' : 'not-certified'}`}>
          <h1>${detected} of ${report.trials.length} sabotages detected</h1>
          <p>on ${report.context} (${report.target}) in ${Math.round(report.seconds)} s, ended ${report.endedAt}</p>
          ${report.without.length > 0 && html`<p>Checks without a sabotage: ${report.without.join(', ')}</p>`}
        </header>
        <main>
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
              ${report.trials.map(row)}
            </tbody>
          </table>
          ${
            report.skipped.length > 0 &&
            html`<h2>Not possible on this target</h2>
              <ul>
                ${report.skipped.map(({ sabotage, why }) => html`<li>${sabotage}: ${why}</li>`)}
              </ul>`
          }
        </main>
      </body>
    </html>
  `
  return `<!doctype html>\n${renderToString(page)}\n`
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
