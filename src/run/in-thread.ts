import { Worker } from 'node:worker_threads'
import { ClusterProblem, StackFailure, UsageProblem } from '../core/problem.ts'

/**
 * What a thread's module exports as `work`: a function of plain data that may tell what it does, and is aborted by the
 * signal.
 */
export type ThreadWork<A, T> = (argument: A, tell: (what: string) => void, signal: AbortSignal) => Promise<T>

export type FromThread = { tell: string } | { result: unknown } | { problem: { name: string; message: string } }

const PROBLEMS = { UsageProblem, ClusterProblem, StackFailure }

/**
 * Runs the `work` of a module in a thread of its own. What it loads (the Kubernetes client alone is 50 MB) goes with
 * it, so that bringing a stack up and reporting do not weigh on the run between them. Argument and result are
 * structured clones.
 * @throws what the work throws, by name and message
 */
export async function inThread<A, T>(
  module: URL,
  argument: A,
  tell: (what: string) => void,
  signal?: AbortSignal,
): Promise<T> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: { module: module.href, argument } })
  const abort = () => worker.postMessage('abort')
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await new Promise<T>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', (code) => reject(new Error(`the thread ended with ${code}`)))
      worker.on('message', (message: FromThread) => {
        if ('tell' in message) tell(message.tell)
        else if ('result' in message) resolve(message.result as T)
        else {
          const { name, message: text } = message.problem
          const Known = PROBLEMS[name as keyof typeof PROBLEMS] as (new (text: string) => Error) | undefined
          reject(Known ? new Known(text) : new Error(text))
        }
      })
    })
  } finally {
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}
