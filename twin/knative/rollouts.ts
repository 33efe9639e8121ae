import { ROUTES } from './kinds.ts'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { KnativeHooks } from './hooks.ts'
import { readConfig } from './settings.ts'
import type { Target } from './traffic-target.ts'

/** Traffic that moves from one revision to the next: so many percent have. */
interface Rollout {
  from: string
  to: string
  percent: number
}

// The time that one step takes at least (pkg/reconciler/route/traffic/rollout.go).
const STEP_SECONDS = 1

/** Moves the traffic of targets with the latest revision step by step, over the rollout-duration of config-network. */
export class Rollouts {
  readonly #objects: Objects
  readonly #hooks: KnativeHooks
  readonly #again: (name: string, namespace: string | undefined) => void
  readonly #latest = new Map<string, string>()
  readonly #moving = new Map<string, Rollout>()

  constructor(objects: Objects, hooks: KnativeHooks, again: (name: string, namespace: string | undefined) => void) {
    this.#objects = objects
    this.#hooks = hooks
    this.#again = again
  }

  /** The targets as they are to be now: one whose revision is new is two for a while. */
  split(route: KubeObject, targets: readonly Target[]): Target[] {
    const configured = Number(readConfig(this.#objects, 'config-network')['rollout-duration'] ?? 0)
    const seconds = this.#hooks.rolloutSeconds.apply(configured)
    return targets.flatMap((target) => {
      const { revisionName = '', percent = 0 } = target
      if (!target.latestRevision || !percent) return [target]
      const key = `${route.metadata.uid}/${target.tag ?? ''}`
      const before = this.#latest.get(key)
      if (before === undefined || before === revisionName || seconds === 0) {
        this.#latest.set(key, revisionName)
        this.#moving.delete(key)
        return [target]
      }
      let rollout = this.#moving.get(key)
      if (rollout?.to !== revisionName) {
        rollout = { from: before, to: revisionName, percent: 1 }
        this.#moving.set(key, rollout)
        this.#stepLater(key, route, percent, seconds)
      }
      if (rollout.percent >= percent) {
        this.#latest.set(key, revisionName)
        this.#moving.delete(key)
        return [target]
      }
      return [
        { ...target, revisionName: rollout.from, percent: percent - rollout.percent },
        { ...target, percent: rollout.percent },
      ]
    })
  }

  #stepLater(key: string, route: KubeObject, percent: number, seconds: number): void {
    const steps = Math.max(1, (seconds - STEP_SECONDS) / STEP_SECONDS)
    const size = Math.round((percent - 1) / steps)
    const step = () => {
      const rollout = this.#moving.get(key)
      if (!rollout || !this.#objects.get(ROUTES, route.metadata.name, route.metadata.namespace)) return
      rollout.percent += size
      this.#again(route.metadata.name, route.metadata.namespace)
      if (rollout.percent < percent) setTimeout(step, STEP_SECONDS * 1000).unref()
    }
    setTimeout(step, STEP_SECONDS * 1000).unref()
  }
}
