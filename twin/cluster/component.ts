import http, { type RequestListener } from 'node:http'
import type { Container, Image } from '../kubelet/container.ts'

/** A component of the cluster (a controller, the activator) and its running pods. It works while at least one runs. */
export class Component {
  readonly running = new Set<Container>()
  readonly #listeners = new Set<(container: Container, up: boolean) => void>()

  /** Whether a pod of it runs. */
  get isUp(): boolean {
    return this.running.size > 0
  }

  /** Calls `hear` when a pod of it starts and when it ends. */
  onChange(hear: (container: Container, up: boolean) => void): void {
    this.#listeners.add(hear)
  }

  /** Writes a line into the log of the first pod, the leader. */
  log(text: string): void {
    const [leader] = this.running
    leader?.log.write(text)
  }

  /** The image of its pods. `serve` is what each serves by port, for `drainMs` after it was told to end as well. */
  image(serve: (container: Container) => Record<number, RequestListener> = () => ({}), drainMs = () => 0): Image {
    const { running } = this
    const listeners = this.#listeners
    return async (container) => {
      for (const [port, answer] of Object.entries(serve(container))) {
        await container.listen(http.createServer({ keepAliveTimeout: 60_000 }, answer), Number(port))
      }
      this.running.add(container)
      for (const hear of this.#listeners) hear(container, true)
      return {
        async stop() {
          running.delete(container)
          for (const hear of listeners) hear(container, false)
          await new Promise((resolve) => setTimeout(resolve, drainMs()))
        },
      }
    }
  }
}
