import { html } from './markup.ts'
import type { Report } from './report-schema.ts'
import { counted } from '../core/counted.ts'

/** The section of the page that tells what was found in the cluster before the checks: a table for each part. */
export const foundSection = ({ found }: Report) => html`
  <section id="found">
    <h2>What was found <small>${tellFound(found)}</small></h2>
    ${[...Map.groupBy(found, ({ part }) => part)].map(
      ([part, facts]) =>
        html`<details>
          <summary>${part}</summary>
          <table>
            <tbody>
              ${facts.map(
                ({ fact, value, by, key }) =>
                  html`<tr>
                    <th>${fact}</th>
                    <td>${value}</td>
                    <td>${by}${key ? ` [${key} in stack.yaml overrides it]` : ''}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </details>`,
    )}
  </section>
`

function tellFound(found: Report['found']): string {
  const unknown = found.filter(({ value }) => value.startsWith('unknown: ')).length
  return `${counted(found.length, 'fact')}, ${unknown ? `${unknown} of them unknown` : 'none of them unknown'}`
}
