// The other side of in-thread.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { plainMessage } from '../core/problem.ts'
import type { FromThread, ThreadWork } from './in-thread.ts'

const { module, argument } = workerData as { module: string; argument: unknown }
const port = parentPort!
const send = (message: FromThread) => port.postMessage(message)
const cut = new AbortController()
// A promise that nobody waits for must not end the thread, and with it a run's verdict.
process.on('unhandledRejection', (problem) => send({ tell: `bug in Plumbline: ${plainMessage(problem)}` }))
port.on('message', () => cut.abort(new Error('cut short')))

try {
  const { work } = (await import(module)) as { work: ThreadWork<unknown, unknown> }
  send({ result: await work(argument, (what) => send({ tell: what }), cut.signal) })
} catch (problem) {
  send({ problem: { name: problem instanceof Error ? problem.name : 'Error', message: plainMessage(problem) } })
}
