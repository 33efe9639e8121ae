import { renderToString } from 'preact-render-to-string'
import { caveatsOf } from './caveats.ts'
import { style } from './html-style.ts'
import { tellPath } from './critical-path.ts'
import { headlineOf } from './headline.ts'
import { html } from './markup.ts'
import { checkCard, duration } from './check-card.ts'
import type { Report, ReportedCheck } from './report-schema.ts'
import { foundSection } from './survey-found.ts'
import { countOutcomes, tellCounts } from './verdict.ts'
import { counted } from '../core/counted.ts'

/**
 * The page of a run: one file, no script and no network. The verdict on top, then what did not pass, then every check.
 */
export function pageOf(report: Report): string {
  const suites = [...new Set(report.checks.map((check) => check.suite))]
  const troubled = report.checks.filter((check) => check.outcome === 'fail' || check.outcome === 'error')
  const checks = counted(report.checks.length, 'check')
  const page = html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${headlineOf(report)}: ${report.context}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header class=${`verdict ${report.verdict.replaceAll(' ', '-')}`}>
          <h1>${headlineOf(report)}</h1>
          <p>Covers ${report.covers}.</p>
          <p>${`${checks} in ${duration(report.seconds * 1000)}: ${tellCounts(report.counts)}`}</p>
          ${caveatsOf(report).map((caveat) => html`<p><strong>${caveat}</strong></p>`)}
        </header>
        <main>
          ${facts(report)} ${report.waivers.length > 0 && waivers(report)}
          ${report.leftBehind.length > 0 && leftBehind(report)}
          ${
            troubled.length > 0 &&
            html`<section>
              <h2>Failures and errors</h2>
              <ul class="first">
                ${troubled.map(firstLook)}
              </ul>
            </section>`
          }
          <nav>${suites.map((suite) => html`<a href=${`#${suite}`}>${suite}</a> `)}</nav>
          ${suites.map((suite) =>
            suiteSection(
              suite,
              report.checks.filter((check) => check.suite === suite),
            ),
          )}
          ${report.found.length > 0 && foundSection(report)}
          ${report.criticalPath.steps.length > 0 && timeTaken(report.criticalPath)}
        </main>
      </body>
    </html>
  `
  return `<!doctype html>\n${renderToString(page)}\n`
}

function facts(report: Report) {
  return html`
    <section class="facts">
      <table>
        <caption>
          Run
        </caption>
        <tbody>
          <tr>
            <th>run</th>
            <td>${report.run}</td>
          </tr>
          <tr>
            <th>cluster</th>
            <td>${report.context} (${report.target})</td>
          </tr>
          <tr>
            <th>traffic</th>
            <td>${report.traffic}${report.aws ? `; AWS calls as ${report.aws}` : ''}</td>
          </tr>
          <tr>
            <th>started</th>
            <td>${report.startedAt.replace('T', ' ').slice(0, 19)} UTC</td>
          </tr>
          <tr>
            <th>ended</th>
            <td>${report.endedAt.replace('T', ' ').slice(0, 19)} UTC</td>
          </tr>
        </tbody>
      </table>
      <table>
        <caption>
          Versions
        </caption>
        <tbody>
          ${Object.entries(report.versions).map(
            ([name, version]) =>
              html`<tr>
                <th>${name}</th>
                <td>${version}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <table>
        <caption>
          Nodes
        </caption>
        <tbody>
          ${report.topology.map(
            (node) =>
              html`<tr>
                <th>${node.node}</th>
                <td>${node.zone || 'no zone'}</td>
                <td>${node.roles}</td>
                <td>${node.version}</td>
                <td>${node.ready ? 'Ready' : 'not Ready'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
  `
}

const leftBehind = (report: Report) => html`
  <section class="left">
    <h2>Not cleaned up</h2>
    <ul>
      ${report.leftBehind.map((text) => html`<li>${text}</li>`)}
    </ul>
  </section>
`

const waivers = ({ waivers: all }: Report) => html`
  <section id="waivers">
    <h2>Waivers</h2>
    <table>
      <thead>
        <tr>
          <th>check</th>
          <th>finding</th>
          <th>because</th>
          <th>until</th>
          <th>in this run</th>
        </tr>
      </thead>
      <tbody>
        ${all.map(
          ({ check, match, because, until, state }) =>
            html`<tr>
              <td><a href=${`#${check}`}>${check}</a></td>
              <td>${match}</td>
              <td>${because}</td>
              <td>${until}</td>
              <td>${state}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>
`

/** The checks that made the run as long as it was. */
const timeTaken = ({ steps, seconds, mandated }: Report['criticalPath']) => html`
  <section id="time">
    <h2>Where the time went <small>${tellPath({ steps, seconds, mandated })}</small></h2>
    <table>
      <thead>
        <tr>
          <th>check</th>
          <th>started at</th>
          <th>took</th>
          <th>waited</th>
          <th>longest wait</th>
        </tr>
      </thead>
      <tbody>
        ${steps.map(
          (step) =>
            html`<tr>
              <td><a href=${`#${step.id}`}>${step.id}</a></td>
              <td>${step.from.toFixed(1)} s</td>
              <td>${step.seconds.toFixed(1)} s</td>
              <td>${step.mandated.toFixed(1)} s</td>
              <td>${step.longest ? `${step.longest.what}, ${step.longest.seconds.toFixed(1)} s` : ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>
`

const firstLook = (check: ReportedCheck) => html`
  <li><a href=${`#${check.id}`}>${check.id}</a>: ${check.seen.split('\n')[0]}</li>
`

function suiteSection(suite: string, checks: ReportedCheck[]) {
  return html`
    <section id=${suite}>
      <h2>${suite} <small>${tellCounts(countOutcomes(checks))}</small></h2>
      ${checks.map(checkCard)}
    </section>
  `
}
