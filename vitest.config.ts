import { join } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import { SUITES } from './src/core/record.ts'

/** Suites run in the order of the guide, whatever ran or failed last time. */
class GuideOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification) => SUITES.findIndex((suite) => file.moduleId.includes(`/suites/${suite}/`))
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)))
  }
}

// One thread for all suites: what they share (one LIST a kind, one agent pod) lives in it.
// No retry anywhere: a check that passes the second time is a finding, not a pass.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['suites/*/*.suite.ts'],
    pool: 'threads',
    isolate: false,
    fileParallelism: false,
    maxConcurrency: 16,
    retry: 0,
    // Node runs the TypeScript as it is: no transform, no second copy of every module.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    passWithNoTests: false,
    sequence: { sequencer: GuideOrder },
    expect: { requireAssertions: true },
    // A failure shows the whole value that was seen.
    chaiConfig: { truncateThreshold: 0 },
    globalSetup: [join(import.meta.dirname, 'src/run/bare-run.ts')],
  },
})
