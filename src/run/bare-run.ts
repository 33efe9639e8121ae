import type { TestProject } from 'vitest/node'

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
  // Loaded only here: under `plumbline certify` this process does without.
  const { readStackFile } = await import('../config/stack-file.ts')
  const { prepareRun } = await import('./prepare.ts')
  const { startTwin, useTwinPrograms } = await import('../targets/twin.ts')
  const config = readStackFile(process.env.PLUMBLINE_STACK ?? 'stack.yaml')
  const twin = config.target === 'twin' ? await startTwin(config) : undefined
  if (twin) useTwinPrograms()
  const run = await prepareRun({ config: twin?.config ?? config, only: [], allowDisruption: false })
  project.provide('run', run.id)
  return async () => {
    const { finishRun } = await import('./finish.ts')
    const { headlineOf } = await import('../report/headline.ts')
    const { tellCounts } = await import('../report/verdict.ts')
    // vitest alone chose by file: the suites that left a record are those that it ran.
    const { readRecords } = await import('../report/build-report.ts')
    const ran = new Set([...readRecords(run.id).keys()].map((id) => id.split('/')[0]))
    const checks = run.checks.filter((id) => ran.has(id.split('/')[0]))
    const { report, problems } = await finishRun({ run: { ...run, checks }, interrupted: false }, () => undefined)
    await twin?.stop()
    for (const problem of problems) console.error(problem)
    console.log(
      `${headlineOf(report)}: ${tellCounts(report.counts)} of ${checks.length} checks: reports/${run.id}/index.html`,
    )
  }
}
