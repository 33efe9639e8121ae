import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { UsageProblem } from '../core/problem.ts'
import { channel } from '../core/progress.ts'
import { finishedLine, openView } from '../cli/view.ts'
import { inThread } from './in-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-thread-'))
function moduleOf(name: string, text: string): URL {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, text)
  return pathToFileURL(file)
}

describe('work in a thread', () => {
  test('gives its result, and tells on its way', async () => {
    const told: string[] = []
    const twice = moduleOf('twice', 'export const work = async (n, tell) => { tell(`doubling ${n}`); return n * 2 }')
    expect(await inThread(twice, 21, (what) => told.push(what))).toBe(42)
    expect(told).toEqual(['doubling 21'])
  })

  test('throws what it throws, by its name', async () => {
    const failing = moduleOf(
      'failing',
      "export const work = async () => { throw Object.assign(new Error('do this'), { name: 'UsageProblem' }) }",
    )
    const problem = await inThread(failing, 0, () => undefined).catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(UsageProblem)
    expect((problem as Error).message).toBe('do this')
  })

  test('is told of an abort', async () => {
    const cut = new AbortController()
    const waiting = moduleOf(
      'waiting',
      `export const work = (_, tell, signal) =>
        new Promise((resolve) => {
          const awake = setInterval(() => undefined, 50)
          signal.addEventListener('abort', () => {
            clearInterval(awake)
            resolve('told')
          })
          tell('ready')
        })`,
    )
    expect(await inThread(waiting, 0, () => cut.abort(), cut.signal)).toBe('told')
  })
})

describe('what a run shows', () => {
  test('is a line for a check that passed, and all of what it says for one that did not', () => {
    const lines = (outcome: 'pass' | 'fail') =>
      finishedLine({ id: 'mesh/a', outcome, ms: 1234, seen: 'first\nsecond' }).split('\n')
    expect(lines('pass')).toHaveLength(1)
    expect(lines('fail')[1]).toBe('        second')
    expect(lines('pass')[0]).toMatch(/mesh\/a +1\.2s {2}first$/)
  })

  test('is plain lines where there is no terminal', async () => {
    const out = new PassThrough()
    const view = openView(1, out as unknown as NodeJS.WriteStream)
    const line = new Promise<string>((resolve) => out.once('data', (chunk: Buffer) => resolve(chunk.toString())))
    channel.post({ type: 'started', id: 'mesh/a', within: 1000 })
    channel.post({ type: 'finished', id: 'mesh/a', outcome: 'pass', ms: 5, seen: 'all is well' })
    expect(await line).toMatch(/mesh\/a .*all is well\n$/)
    view.close()
  })
})
