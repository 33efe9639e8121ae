import type { TestProject } from 'vitest/node'
import { readStackFile } from '../config/stack-file.ts'
import { finishRun } from '../run/finish.ts'
import { prepareRun } from '../run/prepare.ts'
import { tellCounts } from '../report/verdict.ts'

/**
 * vitest's global set-up. Under `plumbline certify` the run is made already and only named here; under vitest alone
 * (npx vitest run suites/mesh) it is made from stack.yaml, and undone and reported when vitest is done.
 */
export default async function setUp(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.PLUMBLINE_RUN
  if (given) {
    project.provide('run', given)
    return undefined
  }
  const { run } = await prepareRun({ config: readStackFile(process.env.PLUMBLINE_STACK ?? 'stack.yaml'), only: [], allowDisruption: false })
  project.provide('run', run.id)
  return async () => {
    const report = await finishRun(run, false, () => undefined)
    console.log(`${report.verdict} (with vitest alone: ${tellCounts(report.counts)}): reports/${run.id}/index.html`)
  }
}
