// Writes docs/stack.md from the schema of stack.yaml: npm run stack.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stackPage } from './stack-page.ts'

writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'stack.md'), stackPage())
