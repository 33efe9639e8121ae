import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { runFolder } from '../config/run-info.ts'
import { failuresMarkdown } from './failures.ts'
import { matrixRuns, readMatrix } from './matrix-file.ts'

// npm run failures [RUN…]: writes docs/failures.md from sabotage matrices, the newest where no run is named; of a
// sabotage that several tried the last one named counts.
const file = join(import.meta.dirname, '..', '..', 'docs', 'failures.md')
const named = process.argv.slice(2)
const runs = named.length ? named : matrixRuns().slice(-1)
if (runs.length === 0 || runs.some((run) => !existsSync(runFolder(run)))) {
  console.error('No sabotage matrix found in reports/: run ./plumbline sabotage first.')
  process.exit(3)
}
const matrices = runs.map(readMatrix)
const trials = new Map(matrices.flatMap((matrix) => matrix.trials.map((trial) => [trial.sabotage, trial] as const)))
writeFileSync(file, failuresMarkdown(await loadCatalogue(), { ...matrices.at(-1)!, trials: [...trials.values()] }))
console.log(`docs/failures.md: written from ${runs.join(', ')}`)
