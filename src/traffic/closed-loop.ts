import { deadline } from '../core/deadlines.ts'
import { asTraffic } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import type { Answer } from './http.ts'

/** What became of a bounded stretch of traffic. Every request that was sent is in it, those without an answer too. */
export interface Traffic {
  sent: number
  answers: Answer[]
  /** Answers that are not 200, by what they are: '503', 'ECONNREFUSED'. */
  failures: Record<string, number>
  seconds: number
}

/** Closed loop: keeps `concurrency` requests under way until `total` were sent. Resolves when the last answer is in. */
export function sendConcurrently(
  concurrency: number,
  total: number,
  signal: AbortSignal,
  send: () => Promise<Answer>,
): Promise<Traffic> {
  return asTraffic(`${total} requests to be answered`, deadline('check'), () =>
    keepSending(concurrency, total, signal, send),
  )
}

async function keepSending(
  concurrency: number,
  total: number,
  signal: AbortSignal,
  send: () => Promise<Answer>,
): Promise<Traffic> {
  const started = performance.now()
  const answers: Answer[] = []
  let sent = 0
  const worker = async (): Promise<void> => {
    while (sent < total && !signal.aborted) {
      sent++
      answers.push(await send())
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return summed(answers, started)
}

/** Keeps `concurrency` requests under way for `seconds`. */
export async function sendFor(
  concurrency: number,
  seconds: number,
  signal: AbortSignal,
  send: () => Promise<Answer>,
): Promise<Traffic> {
  using limit = timeLimit(seconds * 1000, signal)
  const { signal: over } = limit
  return await asTraffic(`${seconds} s of requests`, seconds * 1000, () =>
    keepSending(concurrency, Infinity, over, send),
  )
}

function summed(answers: Answer[], started: number): Traffic {
  const failures: Record<string, number> = {}
  for (const { status, error } of answers.filter((answer) => answer.status !== 200)) {
    const key = status ? String(status) : (error ?? 'no answer')
    failures[key] = (failures[key] ?? 0) + 1
  }
  return { sent: answers.length, answers, failures, seconds: (performance.now() - started) / 1000 }
}
