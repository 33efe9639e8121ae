import type { Outcome } from './record.ts'

/** What a run tells of itself while it goes on; the live view listens. Times are milliseconds. */
export type Progress =
  | { type: 'started'; id: string; within: number }
  | { type: 'waiting'; id: string; what: string; within: number }
  | { type: 'waited'; id: string; what: string }
  | { type: 'finished'; id: string; outcome: Outcome; ms: number; seen: string }

const NAME = 'plumbline-progress'

/**
 * Carries progress between the thread that runs the checks and the one that draws, by Node's BroadcastChannel,
 * which crosses threads of one process without any wiring.
 */
class ProgressChannel {
  #sender: BroadcastChannel | undefined

  post(progress: Progress): void {
    if (!this.#sender) {
      this.#sender = new BroadcastChannel(NAME)
      ;(this.#sender as unknown as { unref(): void }).unref()
    }
    this.#sender.postMessage(progress)
  }

  /** Calls `hear` for each message from the other threads until the returned function is called. */
  listen(hear: (progress: Progress) => void): () => void {
    const receiver = new BroadcastChannel(NAME)
    receiver.onmessage = (event) => hear((event as unknown as { data: Progress }).data)
    ;(receiver as unknown as { unref(): void }).unref()
    return () => receiver.close()
  }
}

export const channel = new ProgressChannel()
