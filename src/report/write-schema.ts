// Writes docs/report.schema.json from the schema that report.json is checked against: npm run schema.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { reportSchema } from './report-schema.ts'

const file = join(import.meta.dirname, '..', '..', 'docs', 'report.schema.json')
writeFileSync(file, `${JSON.stringify(z.toJSONSchema(reportSchema), null, 2)}\n`)
