import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from './check.ts'
import { addMatchers } from './matchers.ts'
import { keepSecret } from '../core/secrets.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { Performer } from './perform.ts'
import { ClusterProblem, DoesNotApply, NotLookedAt, StackFailure } from '../core/problem.ts'
import type { RunInfo } from '../config/run-info.ts'
import { currentScope, requireEffect } from '../core/scope.ts'
import { readRecords } from '../report/build-report.ts'
import type { Stack } from '../stack/stack.ts'
import { makeRun } from '../../test/make-run.ts'

const make = (id: string, body: Check['body'], more: Partial<Check> = {}): Check => ({
  id,
  suite: 'mesh',
  asserts: 'x',
  guide: '1',
  level: 'required',
  effect: 'reads',
  remedy: 'x',
  body,
  ...more,
})
const passing: Check['body'] = ({ expect }) => {
  expect(1).toBe(1)
  return 'one'
}
// No check here looks at the cluster.
const noStack = {} as Stack
const never = new AbortController().signal

async function perform(checks: Check[], more: Partial<RunInfo> = {}, abort = never) {
  const run = makeRun(
    checks.map(({ id }) => id),
    more,
  )
  const performer = new Performer(run, noStack)
  await Promise.all(checks.map((check) => performer.perform(check, expect, abort)))
  return readRecords(run.id)
}

beforeAll(addMatchers)
afterEach(() => setDeadlineFactor(1))

describe('a check', () => {
  test('that passes is recorded with what was seen and measured', async () => {
    const body: Check['body'] = ({ expect, measure, remark }) => {
      measure('pods', 3, 'pods')
      remark('Certificate shop/tls is pending.', 'shop')
      expect(3).toBe(3)
      return 'three pods'
    }
    expect((await perform([make('mesh/a', body)])).get('mesh/a')).toMatchObject({
      outcome: 'pass',
      seen: 'three pods',
      measurements: [{ name: 'pods', value: 3, unit: 'pods' }],
      remarks: [{ text: 'Certificate shop/tls is pending.', namespace: 'shop' }],
    })
  })

  test('whose assertion does not hold fails with what was expected and seen', async () => {
    const records = await perform([
      make('mesh/a', ({ expect }) => (expect('ClusterIP', 'the type').toBe('LoadBalancer'), '')),
    ])
    expect(records.get('mesh/a')).toMatchObject({
      outcome: 'fail',
      seen: "the type: found 'ClusterIP', expected 'LoadBalancer'",
    })
  })

  describe('whose finding is waived', () => {
    const waive = [
      { check: 'mesh/a', match: 'shop/', because: 'ticket 42', until: '9999-12-31' },
      { check: 'mesh/a', match: '/^The mesh/', because: 'known', until: '9999-12-31' },
      { check: 'mesh/a', match: 'old', because: 'known', until: '2020-01-01' },
    ]
    const config = { ...stackSchema.parse({ target: 'kind' }), waive }
    const lists = (...troubles: string[]) =>
      make('mesh/a', ({ expect }) => (expect(troubles, 'Broken').toBeNone(), 'none is broken'))

    test('is waived, with its reason and end, and what needs it is tried', async () => {
      const records = await perform([lists('shop/a', 'shop/b'), make('mesh/b', passing, { needs: ['mesh/a'] })], {
        config,
      })
      const accepted = { waiver: 0, because: 'ticket 42', until: '9999-12-31' }
      expect(records.get('mesh/a')).toMatchObject({
        ...{ outcome: 'waived', seen: 'shop/a; shop/b' },
        waived: [
          { finding: 'shop/a', ...accepted },
          { finding: 'shop/b', ...accepted },
        ],
      })
      expect(records.get('mesh/b')?.outcome).toBe('pass')
    })

    test('fails for the findings that are not', async () => {
      expect((await perform([lists('shop/a', 'till/b')], { config })).get('mesh/a')).toMatchObject({
        ...{ outcome: 'fail', seen: 'Broken: till/b', waived: [{ finding: 'shop/a' }] },
      })
    })

    test('is waived by the whole text of another failure too', async () => {
      const body = () => Promise.reject(new StackFailure('The mesh has no root.'))
      expect((await perform([make('mesh/a', body)], { config })).get('mesh/a')).toMatchObject({
        ...{ outcome: 'waived', seen: 'The mesh has no root.', waived: [{ waiver: 1 }] },
      })
    })

    test('fails where the waiver has ended, and an error is never waived', async () => {
      expect((await perform([lists('old')], { config })).get('mesh/a')?.outcome).toBe('fail')
      const broken = make('mesh/a', () => Promise.reject(new TypeError('shop/ is undefined')))
      expect((await perform([broken], { config })).get('mesh/a')?.outcome).toBe('error')
    })
  })

  test('shows no secret in what it leaves', async () => {
    keepSecret('hush-hush-hush')
    const body = () => Promise.reject(new StackFailure('the login answered to hush-hush-hush'))
    expect((await perform([make('mesh/a', body)])).get('mesh/a')?.seen).toBe('the login answered to (not shown)')
  })

  test('that meets a stack that is not as it must be fails', async () => {
    expect(
      (await perform([make('mesh/a', () => Promise.reject(new StackFailure('it is not there')))])).get('mesh/a'),
    ).toMatchObject({ outcome: 'fail', seen: 'it is not there' })
  })

  test('that breaks by itself is in error, with its stack and where its trace is as evidence', async () => {
    const record = (await perform([make('mesh/a', () => Promise.reject(new TypeError('x is not a function')))])).get(
      'mesh/a',
    )
    expect(record).toMatchObject({ outcome: 'error', seen: 'x is not a function' })
    expect(record?.evidence.at(-2)?.name).toBe('stack')
    expect(record?.evidence.at(-1)).toEqual({ name: 'trace', text: 'run again with --trace for every call' })
  })

  test('that is in error in a traced run names the trace', async () => {
    const body: Check['body'] = () => Promise.reject(new ClusterProblem('the API server answered 503'))
    const record = (await perform([make('mesh/a', body)], { trace: true })).get('mesh/a')
    expect(record?.outcome).toBe('error')
    expect(record?.evidence.at(-1)).toEqual({ name: 'trace', text: 'trace.jsonl, entries of mesh/a' })
  })

  test('that asserts nothing is in error, not a pass', async () => {
    expect((await perform([make('mesh/a', () => 'all is well')])).get('mesh/a')).toMatchObject({
      outcome: 'error',
      seen: 'bug in Plumbline: check mesh/a finished without an assertion',
    })
  })

  test('that is not done by its deadline fails and says what it waited for', async () => {
    setDeadlineFactor(0.001)
    const body: Check['body'] = () =>
      currentScope()!.waiting('Pod b/a', 1000, () => new Promise<string>(() => undefined))
    expect((await perform([make('mesh/a', body)])).get('mesh/a')).toMatchObject({
      outcome: 'fail',
      seen: 'timed out after 0 s while waiting for Pod b/a',
    })
  })
})

describe('what a check needs', () => {
  test('blocks it where it did not pass, and so on down the line', async () => {
    const records = await perform([
      make('mesh/c', passing, { needs: ['mesh/b'] }),
      make('mesh/b', passing, { needs: ['mesh/a'] }),
      make('mesh/a', () => Promise.reject(new StackFailure('no'))),
    ])
    expect(records.get('mesh/b')).toMatchObject({
      outcome: 'blocked',
      seen: 'skipped because mesh/a failed; fix that first',
      blockedBy: ['mesh/a'],
    })
    expect(records.get('mesh/c')).toMatchObject({ outcome: 'blocked', blockedBy: ['mesh/b'] })
  })

  test('makes it moot where that does not apply to the stack, and so on down the line', async () => {
    const records = await perform([
      make('mesh/c', passing, { needs: ['mesh/b'] }),
      make('mesh/b', passing, { needs: ['mesh/a'] }),
      make('mesh/a', () => Promise.reject(new DoesNotApply('The gateway logs to OpenTelemetry only.'))),
    ])
    const skipped = {
      outcome: 'skipped',
      excused: true,
      seen: 'mesh/a does not apply: The gateway logs to OpenTelemetry only.',
    }
    expect(records.get('mesh/b')).toMatchObject(skipped)
    expect(records.get('mesh/c')).toMatchObject({ ...skipped, seen: skipped.seen.replace('mesh/a', 'mesh/b') })
  })

  test('blocks it where nobody could look', async () => {
    const records = await perform([
      make('mesh/b', passing, { needs: ['mesh/a'] }),
      make('mesh/a', () => Promise.reject(new NotLookedAt('may not list pods'))),
    ])
    expect(records.get('mesh/b')).toMatchObject({ outcome: 'blocked' })
  })

  test('comes first, in whatever order they are performed', async () => {
    const order: string[] = []
    const noting =
      (id: string): Check['body'] =>
      (context) => {
        order.push(id)
        return passing(context)
      }
    await perform([make('mesh/b', noting('b'), { needs: ['mesh/a'] }), make('mesh/a', noting('a'))])
    expect(order).toEqual(['a', 'b'])
  })

  test('of the target, where it lacks it, skips it with the reason', async () => {
    const lacking = { metrics: { reason: 'no metrics-server', excused: true } }
    expect(
      (await perform([make('mesh/a', passing, { requires: ['metrics'] })], { lacking })).get('mesh/a'),
    ).toMatchObject({ outcome: 'skipped', seen: 'no metrics-server', excused: true })
  })
})

describe('safety', () => {
  test("what would disrupt somebody's cluster is skipped unless it is allowed", async () => {
    const run = makeRun([])
    const config = { ...run.config, target: 'existing' as const }
    const check = make('mesh/a', passing, { effect: 'disrupts' })
    expect((await perform([check], { config })).get('mesh/a')?.outcome).toBe('skipped')
    expect((await perform([check], { config, allowDisruption: true })).get('mesh/a')?.outcome).toBe('pass')
  })

  test('a check that does more than it declares is in error, even where its body catches the refusal', async () => {
    const body: Check['body'] = (context) => {
      expect(() => requireEffect('writes', 'applied Service a/b')).toThrow('bug in Plumbline')
      return passing(context)
    }
    expect((await perform([make('mesh/a', body)])).get('mesh/a')).toMatchObject({
      outcome: 'error',
      seen: 'bug in Plumbline: check mesh/a is declared reads but applied Service a/b (writes)',
    })
    expect((await perform([make('mesh/a', passing, { effect: 'writes' })])).get('mesh/a')?.outcome).toBe('pass')
  })

  test('what a check registered is undone, newest first, whatever its outcome', async () => {
    const undone: string[] = []
    const body: Check['body'] = () => {
      currentScope()!.onEnd(() => Promise.resolve(void undone.push('first')))
      currentScope()!.onEnd(() => Promise.resolve(void undone.push('second')))
      throw new StackFailure('no')
    }
    await perform([make('mesh/a', body)])
    expect(undone).toEqual(['second', 'first'])
  })

  test('what could not be undone makes a pass an error', async () => {
    const body: Check['body'] = (context) => {
      currentScope()!.onEnd(() => Promise.reject(new Error('the API is gone')))
      return passing(context)
    }
    expect((await perform([make('mesh/a', body)])).get('mesh/a')).toMatchObject({
      outcome: 'error',
      seen: 'one; its changes could not be undone: the API is gone',
    })
  })

  test('a run that is cut short ends its checks, undoes, and starts no other', async () => {
    const undone: string[] = []
    const cut = new AbortController()
    const body: Check['body'] = async () => {
      currentScope()!.onEnd(() => Promise.resolve(void undone.push('a')))
      cut.abort(new Error('cut short'))
      return new Promise<string>(() => undefined)
    }
    const records = await perform(
      [make('mesh/a', body), make('mesh/b', passing, { needs: ['mesh/a'] })],
      {},
      cut.signal,
    )
    expect(undone).toEqual(['a'])
    expect([...records.values()].map(({ outcome }) => outcome)).toEqual(['error', 'error'])
  })
})
