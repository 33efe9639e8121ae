import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: join(import.meta.dirname, '..'),
  test: {
    include: ['{src,twin,test}/**/*.test.ts'],
    setupFiles: [join(import.meta.dirname, 'set-reports.ts')],
    pool: 'threads',
    // They bound a test that hangs, and nothing that works waits for them: a machine at work on other things may take
    // twenty times as long as an idle one.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { requireAssertions: true, poll: { timeout: 60_000 } },
  },
})
