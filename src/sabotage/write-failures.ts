import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { runFolder } from '../config/run-info.ts'
import { failuresMarkdown } from './failures.ts'
import { matrixRuns, readMatrix } from './matrix-file.ts'

// npm run failures [RUN]: writes docs/failures.md from a sabotage matrix, the newest where no run is named.
const file = join(import.meta.dirname, '..', '..', 'docs', 'failures.md')
const run = process.argv[2] ?? matrixRuns().at(-1)
if (!run || !existsSync(runFolder(run))) {
  console.error('No sabotage matrix found in reports/: run ./plumbline sabotage first.')
  process.exit(3)
}
writeFileSync(file, failuresMarkdown(await loadCatalogue(), readMatrix(run)))
console.log(`docs/failures.md: written from the matrix ${run}`)
