const NOT_SHOWN = '(not shown)'
// A shorter text stands in many others, and is no secret.
const SHORTEST = 6

const known = new Set<string>()

/** Remembers a value that must not be shown: as a whole, and the words of it, such as the token after `Bearer`. */
export function keepSecret(value: string): void {
  for (const part of [value, ...value.split(/[\s=;,]+/)]) if (part.length >= SHORTEST) known.add(part)
}

/** A text without the values that must not be shown. */
export function withoutSecrets(text: string): string {
  let clean = text
  // The longest first: one may be a part of another.
  for (const secret of [...known].toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, NOT_SHOWN)
  return clean
}

/** A plain value as JSON without what must not be shown in any of its texts. */
export const toShownJson = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => (typeof field === 'string' ? withoutSecrets(field) : field))
