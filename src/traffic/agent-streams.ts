import { AgentProblem } from './agent-pod.ts'
import type { KeptStreams, StreamRecord } from './open-streams.ts'

interface Told {
  records: StreamRecord[]
  now: number
  /** The agent ended them, because nobody asked. */
  forgotten: boolean
}

/** Often enough for the agent not to take them for forgotten. */
const ASKED_EVERY_MS = 500

/** Streams that the agent pod keeps open; what became of them is fetched as they go on. */
export class AgentStreams implements KeptStreams {
  readonly #ask: (what: 'records' | 'close') => Promise<Told>
  readonly #following: Promise<void>
  #told: Told = { records: [], now: 0, forgotten: false }
  #over = false
  #problem: unknown

  constructor(ask: (what: 'records' | 'close') => Promise<Told>) {
    this.#ask = ask
    this.#following = this.#follow()
  }

  get records(): readonly StreamRecord[] {
    return this.#told.records
  }

  async end(): Promise<readonly StreamRecord[]> {
    this.#over = true
    await this.#following
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what was caught is thrown on as it is
    if (this.#problem) throw this.#problem
    this.#take(await this.#ask('close'))
    return this.records
  }

  async #follow(): Promise<void> {
    while (!this.#over && !this.#problem) {
      try {
        this.#take(await this.#ask('records'))
      } catch (problem) {
        this.#problem = problem
      }
      await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS))
    }
  }

  #take(told: Told): void {
    // What went on after their end was seen by nobody: that must not pass for no failure.
    if (told.forgotten)
      throw new AgentProblem('the agent closed its streams: nobody reached it through the API server for 15 s')
    this.#told = told
  }
}
