import { z } from 'zod'

const DATE = 'a date such as 2027-03-31'
const MATCH = 'a part of the text, a valid /regular expression/, or { code: IST0101, object: NAME }'
const PATTERN = /^\/(.+)\/$/

/** The regular expression of a `match` that is written between slashes. */
export function patternOf(match: string): RegExp | undefined {
  const [, source] = PATTERN.exec(match) ?? []
  return source === undefined ? undefined : new RegExp(source)
}

const isPattern = (match: string): boolean => {
  try {
    patternOf(match)
    return true
  } catch {
    return false
  }
}

/** A finding that somebody has accepted until a day. */
export const waiverSchema = z.strictObject({
  check: z.string().min(1).describe('the id of the check'),
  match: z
    .union(
      [
        z.string(MATCH).min(1, MATCH).refine(isPattern, MATCH),
        z.strictObject({ code: z.string().regex(/^IST\d{4}$/), object: z.string().min(1).optional() }),
      ],
      MATCH,
    )
    .describe("a part of the finding's text, a /regular expression/, or a message of istioctl: { code, object }"),
  because: z.string().min(1).describe('why it is accepted; it stands in the report'),
  until: z.iso.date(DATE).describe('the last day on which it holds (UTC)'),
})

/** A waiver with its place in the stack file, as FILE:LINE. */
export type Waiver = z.infer<typeof waiverSchema> & { at?: string }
