import { deadline } from '../core/deadlines.ts'
import { asTraffic } from '../core/scope.ts'
import { SampleLog, type Sample } from '../traffic/samples.ts'
import { clockHere, type Clock } from './clock.ts'

/** Where a load script runs: what it writes, and how it is ended. */
export interface Generator {
  /** What k6's JSON output wrote, line by line as it comes. */
  lines: AsyncIterable<string>
  /** Resolves when it has ended: its exit code, and the end of what it said. */
  ended: Promise<{ code: number | undefined; said: string }>
  /** Has it end early: what is under way is answered still. */
  stop: () => Promise<void> | void
  /** The wall clock by which it writes; this machine's where not given. */
  clock?: Clock
}

/** The harness could not make the load that a check is about: an error of the check, and no failure of the stack. */
export class LoadProblem extends Error {
  override name = 'LoadProblem'
}

/** What a script came to. */
export interface LoadResult {
  samples: Sample[]
  /** The metrics whose thresholds were crossed, as the script has them. */
  crossed: string[]
}

// k6's exit codes: errext/exitcodes in its source.
const [THRESHOLDS, STOPPED] = [99, 105]

interface Point {
  type: string
  metric: string
  data: { time: string; value: number; tags?: Record<string, string> }
}

/** A k6 script under way: its samples, as they come. */
export class LoadRun extends SampleLog {
  readonly #script: string
  readonly #generator: Generator
  readonly #done: Promise<LoadResult>
  /** The wall clock of the generator: by how much its samples may be misplaced. */
  readonly clock: Clock
  #dropped = 0
  #stopped = false
  #ending: Promise<LoadResult> | undefined

  constructor(script: string, generator: Generator, began?: number) {
    super(began)
    this.#script = script
    this.#generator = generator
    this.clock = generator.clock ?? clockHere()
    this.#done = this.#follow()
    this.#done.catch(() => undefined)
  }

  /**
   * Waits until the script has ended by itself.
   * @throws LoadProblem where k6 died, or could not keep its rate
   */
  ended(): Promise<LoadResult> {
    return asTraffic(`load/${this.#script}.ts to end`, deadline('check'), () => this.#done)
  }

  /** Has the script end now, and gives what came of it; throws as `ended`. Again it gives the same. */
  end(): Promise<LoadResult> {
    // k6 that is interrupted twice does not answer what is under way.
    return (this.#ending ??= this.#end())
  }

  async #end(): Promise<LoadResult> {
    this.#stopped = true
    await this.#generator.stop()
    return this.#done
  }

  async #follow(): Promise<LoadResult> {
    try {
      for await (const line of this.#generator.lines) this.#hear(line)
      return this.#judge(await this.#generator.ended)
    } catch (problem) {
      this.fail(problem as Error)
      throw problem
    }
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) return
    const point = JSON.parse(line) as Point
    if (point.type !== 'Point') return
    if (point.metric === 'dropped_iterations') this.#dropped += point.data.value
    if (point.metric !== 'first_byte') return
    const { time, value, tags = {} } = point.data
    const { status = '0', error, version, pod, scenario } = tags
    this.keep({
      // k6 has the time of the end, by its wall clock.
      due: Date.parse(time) + this.clock.zero - this.began - value,
      ms: value,
      status: Number(status),
      ...(error ? { error } : {}),
      ...(version ? { version } : {}),
      ...(pod ? { pod } : {}),
      ...(scenario ? { part: scenario } : {}),
    })
  }

  #judge({ code, said }: { code: number | undefined; said: string }): LoadResult {
    const last = said.trim().split('\n').at(-1) || 'it wrote no message'
    const script = `load/${this.#script}.ts`
    if (code !== 0 && code !== THRESHOLDS && !(this.#stopped && code === STOPPED)) {
      const exit = code === undefined ? 'without an exit code' : `with exit code ${code}`
      throw new LoadProblem(`k6 ended ${script} ${exit}: ${last}`)
    }
    if (this.#dropped > 0) {
      const due = this.#dropped + this.samples.length
      throw new LoadProblem(
        `k6 could not keep the rate of ${script}: ${this.#dropped} of ${due} requests were not sent. ` +
          'The load generator has too little CPU, or the answers take longer than it has virtual users for.',
      )
    }
    if (this.samples.length === 0) throw new LoadProblem(`k6 sent no request for ${script}: ${last}`)
    const [, names = ''] = /thresholds on metrics '([^']+)'/.exec(said) ?? []
    return {
      samples: this.samples.toSorted((a, b) => a.due - b.due),
      crossed: names ? names.split(', ') : [],
    }
  }
}
