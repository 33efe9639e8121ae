import { createServer, type Server } from 'node:net'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { readStackFile } from '../src/config/stack-file.ts'
import { startTwin } from '../src/targets/twin.ts'
import { Network } from '../twin/network.ts'
import { testTwin } from './start-twin.ts'

const MAIN = new URL('../src/cli/main.ts', import.meta.url).pathname
const STACK = new URL('../stack.yaml', import.meta.url).pathname

describe('the process of the twin', () => {
  test('says what is in use, and where to listen instead', async () => {
    const first = await testTwin()
    try {
      const config = readStackFile(STACK, { target: 'twin' })
      const range = String(first.twin.network.range)
      await expect(startTwin(config, { range })).rejects.toThrow(
        `127.${range}.0.1:6443 is in use by another program: leave --range out, or give another range or --port.`,
      )
      const second = await startTwin(config)
      expect(second.server).not.toBe(first.twin.address)
      await second.stop()
    } finally {
      await first.stop()
    }
  })

  test('says where a machine has no loopback range', async () => {
    const server = createServer()
    server.listen = (() => {
      setImmediate(() => server.emit('error', Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' })))
      return server
    }) as Server['listen']
    await expect(Network.take(server, 6443)).rejects.toThrow(
      /is not an address of this machine: the twin needs the loopback range/,
    )
  })

  test('a twin that dies ends the run at once, with one sentence and no failures of checks', async () => {
    const run = execa(
      process.execPath,
      [MAIN, 'certify', '--stack', STACK, '--target', 'twin', '--only', 'knative/scale-rates'],
      { reject: false, all: true },
    )
    run.stdout.on('data', (chunk: Buffer) => {
      if (!String(chunk).includes('knative/hello-ready')) return
      // The twin is the only child of the command that is named so.
      void execa('pkill', ['-KILL', '-P', String(run.pid), '-f', 'twin/main.ts'])
    })
    const done = await run
    expect(done.all).toMatch(/the twin ended after \d+ s \(killed by SIGKILL\): ending the run/)
    expect(done.all).toMatch(/\nincomplete \(.*\): \d+ passed, \d+ in error of \d+ checks/)
    expect(done.all).toMatch(/The run stopped early: the twin ended after \d+ s \(killed by SIGKILL\)\./)
    expect(done.all).not.toMatch(/^fail /m)
    expect(done.exitCode).toBe(2)
  })
})
