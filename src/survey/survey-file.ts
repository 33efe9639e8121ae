import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { runFolder } from '../config/run-info.ts'
import type { Survey } from './survey.ts'

/** Where a run keeps what was found before its checks. */
const surveyFile = (run: string): string => join(runFolder(run), 'survey.json')

/** Writes survey.json whole or not at all. */
export const writeSurveyFile = (run: string, survey: Survey): void =>
  writeFileAtomic.sync(surveyFile(run), `${JSON.stringify(survey, null, 2)}\n`)

/** Reads what writeSurveyFile wrote. */
export const readSurveyFile = (run: string): Survey => JSON.parse(readFileSync(surveyFile(run), 'utf8')) as Survey
