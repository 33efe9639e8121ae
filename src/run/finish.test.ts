import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { allureFolder, journalFile, runFolder, writeRunInfo } from '../config/run-info.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { Journal } from '../cluster/journal.ts'
import { makeAllurePage } from '../report/allure.ts'
import { makeRun } from '../../test/make-run.ts'
import { finishRun } from './finish.ts'

vi.mock('../report/allure.ts', async (original) => ({
  ...(await original<object>()),
  makeAllurePage: vi.fn(() => Promise.resolve()),
}))
afterEach(() => void vi.restoreAllMocks())

const quiet = () => undefined
const reportOf = (run: string) =>
  JSON.parse(readFileSync(join(runFolder(run), 'report.json'), 'utf8')) as { verdict: string }

describe('the end of a run', () => {
  test('has a verdict and report.json where Allure fails, and says so', async () => {
    vi.mocked(makeAllurePage).mockRejectedValueOnce(new Error('allure ended with exit code 7'))
    const run = makeRun(['mesh/crds'])
    const { report, problems, reportIsMissing } = await finishRun({ run, interrupted: true, died: 'x' }, quiet)
    expect(problems).toEqual([expect.stringMatching(/allure\.html could not be made: allure ended with exit code 7$/)])
    expect([report.verdict, reportOf(run.id).verdict, reportIsMissing]).toEqual(['incomplete', 'incomplete', false])
  })

  test('has them where Allure left results that are torn', async () => {
    const run = makeRun(['mesh/crds'])
    mkdirSync(allureFolder(run.id))
    writeFileSync(join(allureFolder(run.id), 'x-result.json'), '{"na')
    const { problems } = await finishRun({ run, interrupted: true, died: 'x' }, quiet)
    expect(problems).toEqual([expect.stringMatching(/allure\.html could not be made: .*JSON/)])
    expect(existsSync(join(runFolder(run.id), 'index.html'))).toBe(true)
  })

  test('on a full disk has a verdict, names each missing file, and leaves no file half written', async () => {
    const run = makeRun(['mesh/crds'])
    writeRunInfo(run)
    vi.spyOn(writeFileAtomic, 'sync').mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    })
    const { report, problems, reportIsMissing } = await finishRun({ run, interrupted: true, died: 'x' }, quiet)
    expect(report.verdict).toBe('incomplete')
    expect(reportIsMissing).toBe(true)
    expect(problems[0]).toMatch(/run\.json could not be written \(ENOSPC: no space left on device, write\): free space/)
    expect(problems.slice(1).map((problem) => problem.split('/').at(-1))).toEqual(
      ['report.json', 'junit.xml', 'summary.md', 'index.html'].map(
        (name) => `${name} could not be written: ENOSPC: no space left on device, write`,
      ),
    )
    expect(existsSync(join(runFolder(run.id), 'report.json'))).toBe(false)
  })

  test('on a cluster that is gone says what may be left there', async () => {
    const run = makeRun(['mesh/crds'], { config: stackSchema.parse({ target: 'existing', kubeconfig: '/nowhere' }) })
    new Journal(journalFile(run.id)).made({ kind: 'v1/Namespace', name: 'plumb-x-1234' })
    const { report } = await finishRun({ run, interrupted: false }, quiet)
    expect(report.leftBehind).toEqual([
      'Namespace plumb-x-1234 may still be in the cluster: ' +
        'There is no kubeconfig at /nowhere: give another with --kubeconfig FILE.',
    ])
    expect(new Journal(journalFile(run.id)).pending()).toHaveLength(1)
  })
})
