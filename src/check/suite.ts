import { inject, test } from 'vitest'
import { keepLease } from '../cluster/run-lease.ts'
import { Stack } from '../stack/stack.ts'
import { loadCatalogue } from './catalogue.ts'
import { addMatchers } from './matchers.ts'
import { deadline, setDeadlineFactor } from '../core/deadlines.ts'
import { Performer } from './perform.ts'
import type { Suite } from '../core/record.ts'
import { startTrace } from '../core/trace.ts'
import { readRunInfo, traceFile } from '../config/run-info.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The id of the run that these tests belong to. */
    run: string
  }
}

/**
 * What the suites of one run share: they run in one thread, one after the other, so that a LIST is made once for all of
 * them.
 */
interface Shared {
  run: string
  stack: Stack
  performer: Performer
  abort: AbortController
}

const place = globalThis as { plumbline?: Shared }

function sharedOf(id: string): Shared {
  if (place.plumbline?.run !== id) {
    const run = readRunInfo(id)
    setDeadlineFactor(run.config.deadlines.factor)
    if (run.trace) startTrace(traceFile(run.id))
    const abort = new AbortController()
    const stack = new Stack(run, abort.signal)
    if (run.lease) keepLease(stack.k8s, run.id)
    place.plumbline = { run: id, stack, performer: new Performer(run, stack), abort }
  }
  return place.plumbline
}

/**
 * Turns the checks of a suite that the run chose into vitest tests: those that read or write side by side, those that
 * tune or disrupt alone, after them. To be called by the suite's vitest file.
 */
export async function declareSuite(suite: Suite): Promise<void> {
  addMatchers()
  const { performer, abort } = sharedOf(inject('run'))
  const chosen = new Set(readRunInfo(inject('run')).checks)
  const checks = (await loadCatalogue([suite])).filter((check) => chosen.has(check.id))
  if (checks.length === 0) test.skip(`no check of ${suite} was chosen`, () => undefined)
  for (const check of checks) {
    const sideBySide = check.effect === 'reads' || check.effect === 'writes'
    // The check's own deadline ends it; the runner's is only for a body that does not heed it.
    const timeout = deadline(check.within ?? 'check') * checks.length + deadline('cleanup')
    test(check.id, { concurrent: sideBySide, timeout }, async ({ expect, signal, skip }) => {
      signal.addEventListener('abort', () => abort.abort(signal.reason), { once: true })
      const { record, problem } = await performer.perform(check, expect, signal)
      if (['skipped', 'blocked', 'waived'].includes(record.outcome)) skip(record.seen)
      if (record.outcome !== 'pass') throw problem instanceof Error ? problem : new Error(record.seen)
      expect(record.outcome).toBe('pass')
    })
  }
}
