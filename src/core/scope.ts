import type { KubernetesObject } from './object.ts'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from './progress.ts'
import { trace } from './trace.ts'
import { EFFECTS, type Effect, type Evidence, type Measurement, type Remark, type Wait, type Waived } from './record.ts'

/**
 * What is gathered while one check runs: it follows the check through every await, so nothing has to be passed along.
 */
export class Scope {
  readonly id: string
  readonly signal: AbortSignal
  /** What the check declares that it does to the cluster at most. */
  readonly effect: Effect
  /** A sentence for each call that was more than the check declares; the call was not made. */
  readonly overstepped: string[]
  /** How many LIST calls were made for the check. */
  lists = 0
  readonly measurements: Measurement[] = []
  readonly remarks: Remark[] = []
  /** The findings that were accepted. */
  readonly waived: Waived[]
  readonly evidence: Evidence[] = []
  /** The waits that are over. */
  readonly waited: Wait[]
  /** The objects that the check looked at, newest last; a failure attaches them with their events. */
  readonly touched = new Map<string, KubernetesObject>()
  readonly #acceptance: (finding: string) => Waived | undefined
  readonly #undo: (() => Promise<void>)[] = []
  readonly #waits = new Set<string>()
  readonly #began: number

  /** `partOf` is the scope that this one is a part of: its waits are counted there. `acceptance` gives the waiver that
   * accepts a finding. */
  constructor(
    id: string,
    signal: AbortSignal,
    effect: Effect,
    partOf?: Scope,
    acceptance: (finding: string) => Waived | undefined = () => undefined,
  ) {
    this.id = id
    this.signal = signal
    this.effect = effect
    this.overstepped = partOf?.overstepped ?? []
    this.waited = partOf?.waited ?? []
    this.#acceptance = partOf ? partOf.#acceptance : acceptance
    this.waived = partOf?.waived ?? []
    this.#began = partOf ? partOf.#began : performance.now()
  }

  /** Remembers an object as something that the check looked at. */
  touch(object: KubernetesObject): void {
    const key = `${object.kind ?? ''} ${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`
    this.touched.delete(key)
    this.touched.set(key, object)
  }

  /** Whether a waiver of the stack file accepts a finding of the check; it is kept, then. */
  accepts(finding: string): boolean {
    const waived = this.#acceptance(finding)
    if (!waived) return false
    this.waived.push(waived)
    return true
  }

  /** Runs `work` and shows `what` as being waited for meanwhile. `within` is in milliseconds. */
  async waiting<T>(
    what: string,
    within: number,
    work: (see: (seen: string) => void) => Promise<T>,
    kind: Wait['for'] = 'stack',
  ): Promise<T> {
    const from = performance.now() - this.#began
    this.#waits.add(what)
    channel.post({ type: 'waiting', id: this.id, what, within })
    try {
      return await tracedWait(this.id, what, kind, work)
    } finally {
      this.#waits.delete(what)
      this.waited.push({ what, for: kind, from: Math.round(from), to: Math.round(performance.now() - this.#began) })
      channel.post({ type: 'waited', id: this.id, what })
    }
  }

  /** What is being waited for now, oldest first. */
  get waits(): string[] {
    return [...this.#waits]
  }

  /**
   * Registers what puts the cluster back once the check has ended, whatever its outcome. Last registered, first run.
   */
  onEnd(undo: () => Promise<void>): void {
    this.#undo.push(undo)
  }

  /** Runs what was registered, newest first, all of it, and throws what went wrong, together, at the end. */
  async end(): Promise<void> {
    const problems: unknown[] = []
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (problem) {
        problems.push(problem)
      }
    }
    if (problems.length === 1) throw problems[0]
    if (problems.length > 1) throw new AggregateError(problems, problems.map(String).join('; '))
  }
}

const current = new AsyncLocalStorage<Scope>()

async function tracedWait<T>(
  id: string | undefined,
  what: string,
  kind: Wait['for'],
  work: (see: (seen: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now()
  let lastSeen: string | undefined
  const end = (ended: string) =>
    trace(id, { type: 'wait', what, for: kind, lastSeen, ended, ms: performance.now() - started })
  try {
    const result = await work((seen) => (lastSeen = seen))
    end('met')
    return result
  } catch (problem) {
    end(String(problem))
    throw problem
  }
}

/** The check that runs in this asynchronous context, or undefined outside one (an install, a cleanup). */
export const currentScope = (): Scope | undefined => current.getStore()

/**
 * To be called before something is done to the cluster. `did` says what, as 'applied Service a/b'. Outside a check (an
 * install, the end of a run) everything is allowed.
 * @throws Error where the check of this context declares less than `effect`; it is in error then, even if its body
 * catches this
 */
export function requireEffect(effect: Effect, did: string): void {
  const scope = currentScope()
  if (!scope || EFFECTS.indexOf(scope.effect) >= EFFECTS.indexOf(effect)) return
  const bug = `bug in Plumbline: check ${scope.id} is declared ${scope.effect} but ${did} (${effect})`
  scope.overstepped.push(bug)
  throw new Error(bug)
}

/**
 * Does `work`, and shows `what` as what the check of this context waits for meanwhile, for at most `within`
 * milliseconds. Outside a check it just does it. `work` may tell what it last saw.
 */
export const waitingFor = <T>(
  what: string,
  within: number,
  work: (see: (seen: string) => void) => Promise<T>,
  kind: Wait['for'] = 'stack',
): Promise<T> => {
  const scope = currentScope()
  return scope ? scope.waiting(what, within, work, kind) : tracedWait(undefined, what, kind, work)
}

/** Does `work` as traffic that the check of this context waits for, for at most `within` milliseconds. */
export const asTraffic = <T>(what: string, within: number, work: () => Promise<T>): Promise<T> =>
  waitingFor(what, within, work, 'traffic')

/** Runs `work` as part of the check that `scope` belongs to. */
export const inScope = <T>(scope: Scope, work: () => Promise<T>): Promise<T> => current.run(scope, work)
