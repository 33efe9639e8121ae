import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Before anything reads it: tests leave nothing in reports/.
process.env.PLUMBLINE_REPORTS = mkdtempSync(join(tmpdir(), 'plumbline-reports-'))
