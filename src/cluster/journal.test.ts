import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Journal } from './journal.ts'

const newFile = () => join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'journal.jsonl')
const namespace = (name: string) => ({ kind: 'v1/Namespace', name })

describe('the journal', () => {
  test('gives what is still to be undone, newest first', () => {
    const journal = new Journal(newFile())
    const first = journal.made(namespace('a'))
    journal.changed({ kind: 'v1/ConfigMap', name: 'settings', namespace: 'x' }, { data: { key: null } })
    journal.made(namespace('b'))
    journal.undone(first)
    expect(journal.pending().map(({ what, object }) => [what, object.name])).toEqual([
      ['made', 'b'],
      ['changed', 'settings'],
    ])
  })

  test('is read again by another process, which goes on with its numbers', () => {
    const file = newFile()
    const before = new Journal(file)
    before.made(namespace('a'))
    const after = new Journal(file)
    expect(after.made(namespace('b'))).toBe(2)
    expect(after.pending()).toHaveLength(2)
  })

  test('passes over a last line that a crash cut off', () => {
    const file = newFile()
    new Journal(file).made(namespace('a'))
    appendFileSync(file, '{"seq":2,"what":"ma')
    expect(new Journal(file).pending().map(({ object }) => object.name)).toEqual(['a'])
  })
})
