import { isDetected } from '../sabotage/trial.ts'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { createVitest } from 'vitest/node'
import { readStackFile } from '../config/stack-file.ts'
import { loadCatalogue } from '../check/catalogue.ts'
import { tellMatrix, unsabotaged } from '../sabotage/matrix-report.ts'
import { loadSabotages } from '../sabotage/sabotage.ts'
import { loadShapes } from '../shapes/shape.ts'
import { isQuiet } from '../shapes/shape-trial.ts'
import { tellShapes } from '../shapes/shapes-report.ts'
import { trySabotages } from './sabotage.ts'
import { runShapes } from './shapes.ts'

// More of either would take the tests over 15 minutes on a machine of two cores.
const SABOTAGE_PARTS = 20
const SHAPE_PARTS = 20
// Deadlines bound a failure; a machine at work on other things is no failure.
const SLOW = 2
const ROOT = join(import.meta.dirname, '..', '..')

/** Counts what passed, and says what did not. */
class Tally {
  passed = 0
  failed = 0

  count(ok: boolean): void {
    if (ok) this.passed++
    else this.failed++
  }
}

/** The flags of `plumbline test`. */
export interface TestFlags {
  lanes?: number
  quick?: boolean
  /** Every sabotage and shape, not only those that the commit selects. */
  whole?: boolean
}

/**
 * plumbline test: types, lint and format, the unit tests, a certify of the twin (and of one with AWS, what asks AWS),
 * and by the commit a twentieth of the sabotages and of the shapes on it; each is one test, and so is each
 * check that no sabotage names. Gives 0 where all passed.
 */
export async function test({ lanes, quick, whole }: TestFlags): Promise<number> {
  const tally = new Tally()
  await runTools(tally)
  await runUnitTests(tally)
  if (!quick) {
    await certifyTwin(tally, 'certify of the twin', [])
    await certifyTwin(tally, 'certify of the twin with AWS, what asks AWS', ['--cloud', 'aws', '--only', await ofAws()])
    // A twin and its checks keep a core busy.
    const side = lanes ?? Math.min(4, availableParallelism())
    await sabotageTwin(tally, side, whole ? undefined : await partOf(await loadSabotages(), SABOTAGE_PARTS))
    // A shape is certified nearly whole, figures and all: two at once would disturb each other.
    await shapeTwin(tally, lanes ?? 1, await partOf(await loadShapes(), whole ? 1 : SHAPE_PARTS))
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed`)
  return tally.failed === 0 ? 0 : 1
}

async function runTools(tally: Tally): Promise<void> {
  for (const [what, program, args] of [
    ['types', 'tsc', ['--noEmit']],
    ['lint', 'eslint', ['.']],
    ['rooms', 'depcruise', ['--config', '.dependency-cruiser.js', 'src', 'suites', 'twin', 'sabotage', 'shapes']],
    ['format', 'prettier', ['--check', '.']],
  ] as const) {
    const done = await execa(program, args, { cwd: ROOT, preferLocal: true, reject: false, all: true })
    tally.count(!done.failed)
    console.log(done.failed ? `${what}: failed\n${done.all}` : `${what}: passed`)
  }
}

async function runUnitTests(tally: Tally): Promise<void> {
  const vitest = await createVitest('test', {
    root: ROOT,
    config: join(ROOT, 'test', 'vitest.config.ts'),
    run: true,
    watch: false,
  })
  await vitest.start()
  for (const module of vitest.state.getTestModules()) {
    for (const each of module.children.allTests()) tally.count(each.result().state === 'passed')
    if (module.errors().length) tally.count(false)
  }
  await vitest.close()
}

/** The checks that ask AWS, as --only takes them. */
async function ofAws(): Promise<string> {
  const asks = (requires: readonly string[] = []) => requires.includes('nlb') || requires.includes('eks')
  return (await loadCatalogue())
    .filter(({ requires }) => asks(requires))
    .map(({ id }) => id)
    .join(',')
}

/** The main job, as a user starts it: in a process of its own. */
async function certifyTwin(tally: Tally, what: string, more: string[]): Promise<void> {
  const main = join(ROOT, 'src', 'cli', 'main.ts')
  const stack = join(ROOT, 'stack.yaml')
  const args = [main, 'certify', '--stack', stack, '--target', 'twin', '--deadline-factor', String(SLOW), ...more]
  const done = await execa(process.execPath, args, { reject: false, all: true })
  tally.count(!done.failed)
  const verdict = done.all.split('\n').find((line) => /^(certified|not certified|incomplete)/.test(line))
  console.log(`${what}: ${verdict ?? 'no verdict'}`)
  if (done.failed) console.log(done.all)
}

/**
 * One of so many parts, by ids: every nth one, from one of the first n by the commit, so that some commits try all, and
 * one commit tries the same each time. Without git it begins with the first.
 */
async function partOf(all: readonly { id: string }[], parts: number): Promise<string[]> {
  const head = await execa('git', ['rev-parse', 'HEAD'], { cwd: ROOT, reject: false })
  const turn = Number.parseInt(head.failed ? '0' : head.stdout.slice(-6), 16) % parts
  return all.filter((_, at) => at % parts === turn).map(({ id }) => id)
}

async function sabotageTwin(tally: Tally, lanes: number, only: string[] | undefined): Promise<void> {
  const all = await loadSabotages()
  const checks = (await loadCatalogue()).map(({ id }) => id)
  for (const id of unsabotaged(checks, all)) {
    tally.count(false)
    console.log(`no sabotage names ${id}`)
  }
  if (only) console.log(`${only.length} of ${all.length} sabotages, by this commit; --whole tries all`)
  const config = readStackFile(join(ROOT, 'stack.yaml'), { target: 'twin', deadlines: { factor: SLOW } })
  const request = { lanes, ...(only ? { only } : {}) }
  const report = await trySabotages(config, request, (line) => console.log(line), new AbortController().signal)
  for (const trial of report.trials) tally.count(isDetected(trial))
  for (const line of tellMatrix(report)) console.log(line)
}

async function shapeTwin(tally: Tally, lanes: number, only: string[]): Promise<void> {
  const all = await loadShapes()
  console.log(`${only.length} of ${all.length} shapes`)
  const chosen = all.filter(({ id }) => only.includes(id))
  const flags = { target: 'twin', stack: join(ROOT, 'stack.yaml'), lanes }
  const report = await runShapes(chosen, flags, (line) => console.log(line), new AbortController().signal)
  for (const trial of report.trials) tally.count(isQuiet(trial))
  for (const line of tellShapes(report)) console.log(line)
}
