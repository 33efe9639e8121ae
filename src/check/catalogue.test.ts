import { describe, expect, test } from 'vitest'
import { loadCatalogue, orderOfWork, select } from './catalogue.ts'
import type { Check } from './check.ts'

const make = (id: string, more: Partial<Check> = {}): Check => ({
  id,
  suite: id.split('/')[0] as Check['suite'],
  asserts: 'x',
  guide: '1',
  level: 'required',
  effect: 'reads',
  remedy: 'x',
  body: () => 'x',
  ...more,
})
const ids = (checks: Check[]) => checks.map((check) => check.id)

describe('the order of work', () => {
  test('is suite by suite, what is needed first, what runs alone last', () => {
    const checks = [
      make('mesh/a', { needs: ['mesh/b'] }),
      make('infra/tune', { effect: 'tunes' }),
      make('mesh/b', { needs: ['infra/c'] }),
      make('infra/c'),
    ]
    expect(ids(orderOfWork(checks))).toEqual(['infra/c', 'infra/tune', 'mesh/b', 'mesh/a'])
  })

  test('puts what may take long first', () => {
    expect(ids(orderOfWork([make('mesh/a'), make('mesh/b', { within: 'scalingCheck' })]))).toEqual(['mesh/b', 'mesh/a'])
  })

  test.each([
    [
      'circles',
      [make('mesh/a', { needs: ['mesh/b'] }), make('mesh/b', { needs: ['mesh/a'] })],
      'mesh/a -> mesh/b -> mesh/a',
    ],
    ['unknown needs', [make('mesh/a', { needs: ['mesh/nowhere'] })], 'mesh/a needs mesh/nowhere, which is no check'],
    [
      'needs that run later',
      [make('infra/a', { needs: ['mesh/b'] }), make('mesh/b')],
      'infra/a needs mesh/b, which only runs after it',
    ],
  ])('refuses %s', (_, checks, message) => {
    expect(() => orderOfWork(checks)).toThrow(message)
  })
})

describe('a selection', () => {
  const checks = orderOfWork([
    make('infra/a'),
    make('mesh/b', { needs: ['infra/a'] }),
    make('mesh/c', { effect: 'writes' }),
  ])

  test('brings what its checks need', () => {
    expect(ids(select(checks, ['mesh/b']))).toEqual(['infra/a', 'mesh/b'])
  })

  test('is by suite or by effect', () => {
    expect(ids(select(checks, ['infra']))).toEqual(['infra/a'])
    expect(ids(select(checks, ['writes']))).toEqual(['mesh/c'])
  })

  test('refuses a name that is none', () => {
    expect(() => select(checks, ['mash'])).toThrow('"mash" is not a suite, an effect or a check. Did you mean "mesh"?')
  })
})

describe('the catalogue', () => {
  test('has every check with what a report needs of it', async () => {
    const checks = await loadCatalogue()
    expect(checks).toHaveLength(137)
    for (const check of checks) {
      expect(check.asserts, check.id).not.toMatch(/\.$/)
      for (const step of [check.remedy].flat()) expect(step, check.id).toMatch(/\S{3}/)
      expect(check.guide, check.id).toMatch(/^\d+(,\d+)*$/)
    }
  })
})
