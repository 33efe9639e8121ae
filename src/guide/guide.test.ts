import { describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { PARTS, WRONG_LINES } from './guide.ts'
import { guideMarkdown, tellGuide } from './tell-guide.ts'

describe('the guide', async () => {
  const checks = await loadCatalogue()

  test('every part of it is covered, and every check belongs to parts that there are', () => {
    const named = new Set(checks.flatMap(({ guide }) => guide.split(',').map(Number)))
    expect([...named].toSorted((a, b) => a - b)).toEqual(Object.keys(PARTS).map(Number))
  })

  test('every wrong line is shown by checks that there are, and stands in a part', () => {
    const ids = new Set(checks.map(({ id }) => id))
    for (const { part, says, checks: shown } of WRONG_LINES) {
      expect(shown.length, says).toBeGreaterThan(0)
      expect(
        shown.filter((id) => !ids.has(id)),
        says,
      ).toEqual([])
      expect(Object.keys(PARTS), says).toContain(String(part))
    }
  })

  test('is told by part, with what covers it and what is wrong in it', () => {
    const told = tellGuide(checks)
    expect(told).toMatch(/^1\. the two outlines: .* \d+ checks$/m)
    expect(told).toContain('wrong, line 1011: curl with a Host header')
    expect(told).toMatch(new RegExp(`^12 parts, ${checks.length} checks, ${WRONG_LINES.length} wrong lines$`, 'm'))
  })

  test('its page is what npm run guide writes', () => {
    const written = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guide.md'), 'utf8')
    // prettier lines the columns up.
    const bare = (text: string) => text.replace(/[-\s]+/g, ' ').trim()
    expect(bare(written)).toBe(bare(guideMarkdown()))
  })
})
