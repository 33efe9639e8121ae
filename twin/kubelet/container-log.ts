interface Line {
  at: Date
  text: string
}

const KEPT = 20_000

/** What a container wrote to its standard output. */
export class ContainerLog {
  #lines: Line[] = []
  readonly #followers = new Set<(line: Line) => void>()

  /** Writes lines, as one text or several. */
  write(text: string): void {
    for (const part of text.split('\n')) {
      const line = { at: new Date(), text: part }
      this.#lines.push(line)
      for (const hear of this.#followers) hear(line)
    }
    if (this.#lines.length > KEPT * 1.1) this.#lines = this.#lines.slice(-KEPT)
  }

  /** The lines since a time, at most the last `tail`. */
  read(options: { since?: Date | undefined; tail?: number | undefined; timestamps?: boolean | undefined }): string[] {
    const from = options.since
    const lines = from ? this.#lines.filter(({ at }) => at >= from) : this.#lines
    const kept = options.tail === undefined ? lines : options.tail === 0 ? [] : lines.slice(-options.tail)
    return kept.map((line) => tell(line, options.timestamps))
  }

  /** Calls `hear` for each line from now on; gives what ends that. */
  follow(hear: (line: string) => void, timestamps?: boolean): () => void {
    const follower = (line: Line) => hear(tell(line, timestamps))
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }
}

const tell = ({ at, text }: Line, timestamps?: boolean): string => (timestamps ? `${at.toISOString()} ${text}` : text)
