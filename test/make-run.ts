import { stackSchema } from '../src/config/stack-schema.ts'
import { newRunId, pidSpace, writeRunInfo, type RunInfo } from '../src/config/run-info.ts'

/** A run of these checks, with its folder and run.json. */
export function makeRun(checks: string[], more: Partial<RunInfo> = {}): RunInfo {
  const run: RunInfo = {
    id: newRunId(),
    pid: process.pid,
    pidSpace: pidSpace(),
    startedAt: '2026-01-01T00:00:00.000Z',
    config: stackSchema.parse({ target: 'kind' }),
    context: 'fake',
    checks,
    capabilities: [],
    lacking: {},
    allowDisruption: false,
    ...more,
  }
  writeRunInfo(run)
  return run
}
