import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cutShort, orCutShort } from './cut.ts'

let lines: string[]
beforeEach(() => {
  lines = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
})
afterEach(() => void vi.restoreAllMocks())
const tell = (line: string) => void lines.push(line)

describe('a run that is cut short', () => {
  test('by a signal undoes and reports; a second one ends the process at once', () => {
    const cut = cutShort(undefined, tell)
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never)
    const errors = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    process.emit('SIGTERM', 'SIGTERM')
    expect(cut.signal.aborted).toBe(true)
    expect(lines).toEqual(['SIGTERM: ending the run, undoing its changes and writing its reports; again: stop at once'])
    expect(exit).not.toHaveBeenCalled()
    process.emit('SIGINT', 'SIGINT')
    expect(exit).toHaveBeenCalledWith(130)
    expect(String(errors.mock.calls[0]?.[0])).toMatch(
      /changes may be left in the cluster: plumbline recover undoes them/,
    )
    cut.release()
  })

  test('by its time limit says so', async () => {
    const cut = cutShort(0.0001, tell)
    await new Promise((resolve) => cut.signal.addEventListener('abort', resolve))
    expect(lines[0]).toMatch(/^the time limit of 0\.0001 minutes has passed/)
    cut.release()
  })

  test('because its target is gone says why', () => {
    const cut = cutShort(undefined, tell)
    cut.end('the twin ended after 3 s (killed by SIGKILL)')
    expect(lines).toEqual(['the twin ended after 3 s (killed by SIGKILL): ending the run'])
    expect((cut.signal.reason as Error).message).toMatch(/^the twin ended/)
    cut.release()
  })

  test('leaves no handler behind once it is released', () => {
    const before = process.listenerCount('SIGINT')
    cutShort(1, tell).release()
    expect(process.listenerCount('SIGINT')).toBe(before)
  })
})

describe('work that can be cut short', () => {
  test('gives its exit code', async () => {
    expect(await orCutShort('nothing is to be done', () => Promise.resolve(7))).toBe(7)
  })

  test('that is cut short gives 2 and says what to do', async () => {
    const work = (signal: AbortSignal) => {
      process.emit('SIGINT', 'SIGINT')
      return Promise.reject(signal.reason as Error)
    }
    expect(await orCutShort('plumbline down takes it down', work)).toBe(2)
    expect(lines.at(-1)).toBe('cut short: plumbline down takes it down')
  })

  test('that fails by itself throws', async () => {
    await expect(orCutShort('x', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})
