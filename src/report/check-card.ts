import { html } from './markup.ts'
import { tellRemark } from './remarks.ts'
import type { ReportedCheck } from './report-schema.ts'

/** A check on the page of its run: what it asserts, what was seen, what to do, and its evidence. */
export function checkCard(check: ReportedCheck) {
  return html`
    <article id=${check.id} class=${check.outcome}>
      <h3>
        <span class="outcome">${check.outcome}</span> ${check.id}
        <small>${check.level}, guide ${check.guide}, ${check.effect}, ${duration(check.ms)}</small>
      </h3>
      <p class="asserts">${check.asserts}</p>
      <p class="seen">${check.seen}</p>
      ${
        check.waived.length > 0 &&
        html`<ul class="waived">
          ${check.waived.map(
            ({ finding, because, until }) => html`<li>accepted until ${until} (${because}): ${finding}</li>`,
          )}
        </ul>`
      }
      ${
        check.remarks.length > 0 &&
        html`<ul class="remarks">
          ${check.remarks.map((remark) => html`<li>${tellRemark(remark)}</li>`)}
        </ul>`
      }
      ${
        check.outcome === 'fail' &&
        html`<div class="remedy">
          <strong>To do:</strong>
          <ol>
            ${check.remedy.map((step) => html`<li>${step}.</li>`)}
          </ol>
        </div>`
      }
      ${
        check.measurements.length > 0 &&
        html`<table class="measurements">
          <tbody>
            ${check.measurements.map(
              ({ name, value, unit }) =>
                html`<tr>
                  <th>${name}</th>
                  <td>${number(value)} ${unit}</td>
                </tr>`,
            )}
          </tbody>
        </table>`
      }
      ${check.evidence
        .filter(isPicture)
        .map(
          ({ name, text }) =>
            html`<img
              class="picture"
              alt=${name}
              src=${`data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`}
            />`,
        )}
      ${check.evidence
        .filter((item) => !isPicture(item))
        .map(
          ({ name, text }) =>
            html`<details>
              <summary>${name}</summary>
              <pre>${text}</pre>
            </details>`,
        )}
    </article>
  `
}

/** Whether evidence is a picture. It is shown as an image: its styles cannot mix with the page's. */
const isPicture = ({ name }: { name: string }): boolean => name.endsWith('.svg')

const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2))

/** A time as people read it: '12 ms', '3.4 s', '2 min 5 s'. */
export const duration = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 100_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}
