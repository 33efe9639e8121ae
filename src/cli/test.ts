import { join } from 'node:path'
import { execa } from 'execa'
import { createVitest } from 'vitest/node'

const ROOT = join(import.meta.dirname, '..', '..')

/** plumbline test: types, lint, format and the unit tests; each of the first three counts as one. Gives 0 where all passed. */
export async function test(): Promise<number> {
  let passed = 0
  let failed = 0
  const count = (ok: boolean) => (ok ? passed++ : failed++)
  for (const [what, program, args] of [
    ['types', 'tsc', ['--noEmit']],
    ['lint', 'eslint', ['.']],
    ['format', 'prettier', ['--check', '.']],
  ] as const) {
    const done = await execa(program, args, { cwd: ROOT, preferLocal: true, reject: false, all: true })
    count(!done.failed)
    console.log(done.failed ? `${what}: failed\n${done.all}` : `${what}: passed`)
  }
  const vitest = await createVitest('test', {
    root: join(ROOT, 'test'),
    config: join(ROOT, 'test', 'vitest.config.ts'),
    run: true,
    watch: false,
  })
  await vitest.start()
  for (const module of vitest.state.getTestModules()) {
    for (const each of module.children.allTests()) count(each.result().state === 'passed')
    if (module.errors().length) count(false)
  }
  await vitest.close()
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
