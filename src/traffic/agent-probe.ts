import { plainMessage } from '../core/problem.ts'
import { AgentProblem, isGone } from './agent-pod.ts'
import type { Probe } from './prober.ts'
import { SampleLog, type Sample } from './samples.ts'

/** A probe that an agent began, and how many milliseconds ago. */
export interface StartedProbe {
  id: string
  now: number
}

/** How the agent is asked about a probe of its own: see agent-program.ts. */
export interface AsksAgent {
  (
    what: 'samples' | 'end',
    about: { id: string; from: number },
  ): Promise<{
    samples: Sample[]
    /** It ended by itself, because nobody asked for its samples. */
    forgotten?: boolean
  }>
}

// Often enough for a change to be seen as it happens; each is one request to the API server, whatever the rate of the
// probe.
const ASKED_EVERY_MS = 200

/**
 * A probe that the agent pod sends. It keeps its rate there, so that neither the API server nor the way to it is in
 * what is measured; its samples are fetched as they come.
 */
export class AgentProbe extends SampleLog implements Probe {
  readonly #ask: AsksAgent
  readonly #id: string
  readonly #following: Promise<void>
  #over = false
  #ended: Promise<Sample[]> | undefined

  private constructor(ask: AsksAgent, id: string, began: number) {
    super(began)
    this.#ask = ask
    this.#id = id
    this.#following = this.#follow()
  }

  /**
   * Follows a probe that `start` begins. Its clock is put on ours: what it says is now was so in the middle of the
   * call.
   */
  static async follow(start: () => Promise<StartedProbe>, ask: AsksAgent): Promise<AgentProbe> {
    const from = performance.now()
    const { id, now } = await start()
    return new AgentProbe(ask, id, (from + performance.now()) / 2 - now)
  }

  end(): Promise<Sample[]> {
    return (this.#ended ??= this.#end())
  }

  async #end(): Promise<Sample[]> {
    this.#over = true
    await this.#following
    await this.#fetch('end')
    return this.samples.sort((a, b) => a.due - b.due)
  }

  async #follow(): Promise<void> {
    while (!this.#over) {
      try {
        await this.#fetch('samples')
      } catch (problem) {
        return this.fail(problem as Error)
      }
      await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS))
    }
  }

  async #fetch(what: 'samples' | 'end'): Promise<void> {
    const { samples, forgotten } = await this.#askTwice(what)
    for (const sample of samples) this.keep(sample)
    // What went on after its end was seen by nobody: that must not pass for no failure.
    if (forgotten)
      throw new AgentProblem('the agent ended its probe: nobody reached it through the API server for 15 s')
  }

  /** What a probe has sent so far may be asked for twice: one answer that the pod proxy lost is no lost probe. */
  async #askTwice(what: 'samples' | 'end') {
    const about = { id: this.#id, from: this.samples.length }
    try {
      return await this.#ask(what, about).catch((problem: unknown) => {
        if (!isLost(problem)) throw problem
        return this.#ask(what, about)
      })
    } catch (problem) {
      if (!isLost(problem)) throw problem
      throw new AgentProblem(`the agent pod was replaced during the probe: ${plainMessage(problem)}`, {
        cause: problem,
      })
    }
  }
}

const isLost = (problem: unknown): boolean => problem instanceof AgentProblem && isGone(problem.cause)
