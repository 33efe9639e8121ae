import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: join(import.meta.dirname, '..'),
  test: {
    include: ['{src,twin,test}/**/*.test.ts'],
    setupFiles: [join(import.meta.dirname, 'set-reports.ts')],
    pool: 'threads',
    // It bounds a test that hangs; a machine at work on other things may need more than vitest's five seconds.
    testTimeout: 30_000,
    expect: { requireAssertions: true },
  },
})
