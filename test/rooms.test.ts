import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FLOORS, roomsTable } from '../rooms.ts'

const ROOT = join(import.meta.dirname, '..')
const flat = (text: string) => text.replace(/[ -]+/g, ' ')

describe('the table of rooms', () => {
  test('names every folder of src, and no other', () => {
    const names = FLOORS.flat().map(({ name }) => name)
    expect(names.toSorted()).toEqual(readdirSync(join(ROOT, 'src')).toSorted())
  })

  test('is the one that CONTRIBUTING.md shows', () => {
    expect(flat(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'))).toContain(flat(roomsTable()))
  })
})
