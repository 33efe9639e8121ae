import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs'
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

  test('is not joined to a last line that a crash cut off', () => {
    const file = newFile()
    new Journal(file).made(namespace('a'))
    appendFileSync(file, '{"seq":2,"what":"ma')
    const after = new Journal(file)
    after.made(namespace('b'))
    expect(after.pending().map(({ object }) => object.name)).toEqual(['b', 'a'])
    expect(after.damage()).toEqual([])
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3)
  })

  test('names a line in its middle that is not JSON, and reads the others', () => {
    const file = newFile()
    const journal = new Journal(file)
    journal.made(namespace('a'))
    appendFileSync(file, '{"seq":2,"what":"ma\n')
    journal.made(namespace('b'))
    expect(journal.pending()).toHaveLength(2)
    expect(journal.damage()).toEqual([
      expect.stringMatching(
        /journal\.jsonl line 2 is not JSON: what it held cannot be undone; look for objects with the label plumbline\.dev\/run=plumbline-/,
      ),
    ])
  })
})
