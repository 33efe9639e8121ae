import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { makeRun } from '../../test/make-run.ts'
import { newRunId, pidSpace, processOf, readRunInfo, readRuns, runFolder, writeRunInfo } from './run-info.ts'

/** A run whose run.json was cut in half. */
function makeHalfRun(): string {
  const run = makeRun([])
  const file = join(runFolder(run.id), 'run.json')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.slice(0, text.length / 2))
  return run.id
}

describe('run.json', () => {
  test('is written in one step, and leaves no other file', () => {
    const run = makeRun(['mesh/a'])
    writeRunInfo({ ...run, endedAt: '2026-01-01T00:01:00.000Z' })
    expect(readdirSync(runFolder(run.id))).toEqual(['run.json'])
    expect(readRunInfo(run.id).endedAt).toBe('2026-01-01T00:01:00.000Z')
  })

  test('stays as it was where it cannot be written', () => {
    const run = makeRun(['mesh/a'])
    expect(() => writeRunInfo({ ...run, k6: { how: 'path', what: 1n as never } })).toThrow()
    expect(readRunInfo(run.id).checks).toEqual(['mesh/a'])
  })

  test('of one run that is cut in half hides no other run', () => {
    const half = makeHalfRun()
    const { runs, unreadable } = readRuns()
    expect(runs.length).toBeGreaterThan(0)
    expect(unreadable.find(({ id }) => id === half)?.problem).toMatch(
      new RegExp(`${half}/run\\.json cannot be read \\(it is not complete JSON\\): .* plumbline\\.dev/run=${half}`),
    )
    expect(() => readRunInfo(half)).toThrow(/it is not complete JSON/)
  })

  test('that is JSON of something else is named with what is missing', () => {
    const id = newRunId()
    mkdirSync(runFolder(id))
    writeFileSync(join(runFolder(id), 'run.json'), `{"id":"${id}"}`)
    expect(() => readRunInfo(id)).toThrow(/cannot be read \(pid: /)
  })

  test('latest is the newest that can be read, and the others are told', () => {
    const [older, newer] = ['29991231-000000-aaaa', '29991231-000001-aaaa']
    makeRun([], { id: older })
    mkdirSync(runFolder(newer))
    writeFileSync(join(runFolder(newer), 'run.json'), '{"id":')
    const told: string[] = []
    expect(readRunInfo('latest', (problem) => told.push(problem)).id).toBe(older)
    expect(told).toEqual([expect.stringContaining(`${newer}/run.json cannot be read`)])
  })
})

describe('the process of a run', () => {
  const refusing = (code: string) => {
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error(code), { code })
    })
    onTestFinished(() => kill.mockRestore())
  }

  const here = { pidSpace: pidSpace(), pid: 4711 }

  test('is alive where it is this one, and gone once the run has ended', () => {
    expect(processOf({ ...here, pid: process.pid })).toBe('alive')
    expect(processOf({ ...here, pid: process.pid, endedAt: '2026-01-01T00:00:00.000Z' })).toBe('gone')
  })

  test('is alive where it is another user’s (EPERM)', () => {
    refusing('EPERM')
    expect(processOf(here)).toBe('alive')
  })

  test('is gone where there is none (ESRCH)', () => {
    refusing('ESRCH')
    expect(processOf(here)).toBe('gone')
  })

  test('is unknown where it ran on another machine or in another container', () => {
    expect(processOf({ pidSpace: 'elsewhere', pid: process.pid })).toBe('unknown')
  })
})
