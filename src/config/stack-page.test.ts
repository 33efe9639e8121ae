import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { readStackFile } from './stack-file.ts'
import { stackKeys } from './stack-keys.ts'
import { EXAMPLES, stackPage } from './stack-page.ts'

const ROOT = join(import.meta.dirname, '..', '..')

describe('docs/stack.md', () => {
  test('is that of the schema: npm run stack', () => {
    expect(readFileSync(join(ROOT, 'docs', 'stack.md'), 'utf8')).toBe(stackPage())
  })

  test('has each key with what it is for, and an example', () => {
    expect(stackKeys().filter(({ meaning }) => !meaning)).toEqual([])
    expect(Object.keys(EXAMPLES)).toEqual(stackKeys().map(({ name }) => name))
  })

  test.each(stackKeys().filter(({ name }) => !/^(waive|acme)/.test(name)))(
    'has an example of $name that fits',
    ({ name }) => {
      const nested = name
        .split('.')
        .reduceRight<unknown>((value, key) => ({ [key]: value }), parse(EXAMPLES[name]!) as unknown)
      const file = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'stack.yaml')
      writeFileSync(file, stringify(nested))
      expect(() => readStackFile(file, { target: 'existing' })).not.toThrow()
    },
  )
})

describe('the stack files that come with it', () => {
  const files = ['stack.yaml', ...readdirSync(join(ROOT, 'stacks')).map((name) => `stacks/${name}`)]

  test.each(files)('%s is read, with what it has commented out too', (name) => {
    expect(() => readStackFile(join(ROOT, name))).not.toThrow()
    // A commented key is one whose comment begins with `key:`, or stands deeper than such a one.
    const text = readFileSync(join(ROOT, name), 'utf8').replace(
      /^( *)# ( *(?:- \{ check:|[a-zA-Z]+:)(?: |$).*)$/gm,
      '$1$2',
    )
    const file = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'stack.yaml')
    writeFileSync(file, text.replace(/^target: twin.*$/m, 'target: existing'))
    expect(() => readStackFile(file)).not.toThrow()
  })
})
