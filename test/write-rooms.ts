import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { roomsTable } from '../rooms.ts'

// npm run rooms:table: writes the table of rooms.ts into CONTRIBUTING.md.
const file = join(import.meta.dirname, '..', 'CONTRIBUTING.md')
const between = /(<!-- rooms -->)[^]*(<!-- \/rooms -->)/
writeFileSync(file, readFileSync(file, 'utf8').replace(between, `$1\n\n${roomsTable()}\n\n$2`))
