import { renderToString } from 'preact-render-to-string'
import { style } from './html-style.ts'
import { html } from './markup.ts'

/** What a page of its own shows: a heading on the colour of its verdict, sentences under it, and the rest. */
export interface PlainPage {
  title: string
  isGood: boolean
  heading: string
  lines: readonly string[]
  main: unknown
}

/** A page without the parts of a run's report: the outcomes of sabotage, and of shapes. */
export function plainPage({ title, isGood, heading, lines, main }: PlainPage): string {
  const page = html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header class=${`verdict ${isGood ? 'certified' : 'not-certified'}`}>
          <h1>${heading}</h1>
          ${lines.map((line) => html`<p>${line}</p>`)}
        </header>
        <main>${main}</main>
      </body>
    </html>
  `
  return `<!doctype html>\n${renderToString(page)}\n`
}
