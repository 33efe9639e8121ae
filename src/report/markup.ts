import htmModule from 'htm'
import { h, type VNode } from 'preact'

// htm's types speak of a default export that Node's import of it does not have.
const htm = htmModule as unknown as {
  bind(create: typeof h): (text: TemplateStringsArray, ...values: unknown[]) => VNode
}

/** HTML as a tagged template. Text goes through preact, which escapes it: what a cluster says is shown, never run. */
export const html = htm.bind(h)
