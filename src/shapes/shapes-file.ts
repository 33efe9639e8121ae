import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { runFolder } from '../config/run-info.ts'
import { shapesPage } from './shapes-page.ts'
import type { ShapesReport } from './shapes-report.ts'

/** Writes shapes.json and shapes.html into the run's folder. */
export function writeShapes(report: ShapesReport): void {
  mkdirSync(runFolder(report.run), { recursive: true })
  writeFileAtomic.sync(join(runFolder(report.run), 'shapes.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileAtomic.sync(join(runFolder(report.run), 'shapes.html'), shapesPage(report))
}
