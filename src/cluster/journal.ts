import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { basename, dirname, relative } from 'node:path'
import { RUN_LABEL } from '../config/run-info.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { PodRequest } from '../kube/forward.ts'
import type { ObjectId } from '../kube/object-id.ts'

/**
 * What must be undone: an object of ours that was made, a shared one that was changed, with the merge patch that puts
 * it back, one that was removed, with what it was, a program in a pod that was told something by its own interface,
 * with the request that takes it back, or a workload that lost pods, which it makes again by itself: what is left to
 * do is to see that it did.
 */
export type JournalEntry =
  | { seq: number; at: string; what: 'made'; object: ObjectId }
  | { seq: number; at: string; what: 'changed'; object: ObjectId; restore: object }
  | { seq: number; at: string; what: 'removed'; object: ObjectId; was: KubernetesObject }
  | { seq: number; at: string; what: 'told'; object: ObjectId; port: number; restore: PodRequest }
  | { seq: number; at: string; what: 'disturbed'; object: ObjectId }
type Unnumbered<Entry> = Entry extends JournalEntry ? Omit<Entry, 'seq' | 'at'> : never
type Line = JournalEntry | { what: 'undone'; seq: number }

/**
 * The run's journal: a line is on disk before the cluster is touched, so that what a killed run left can be undone.
 * One JSON object a line. A last line that a crash cut off is passed over, since its change was then never made; any
 * other line that is not JSON is in `damage`.
 */
export class Journal {
  readonly file: string
  /** The id of the run, whose folder the file is in. */
  readonly run: string
  #last: number
  #isTailChecked = false

  constructor(file: string) {
    this.file = file
    this.run = basename(dirname(file))
    this.#last = Math.max(0, ...read(file).lines.map((line) => line.seq))
  }

  /** A sentence for each line that cannot be read, and what it held therefore not undone. */
  damage(): string[] {
    return read(this.file).broken.map(
      (line) =>
        `${relative(process.cwd(), this.file)} line ${line} is not JSON: what it held cannot be undone; ` +
        `look for objects with the label ${RUN_LABEL}=${this.run}, then delete the line`,
    )
  }

  /** To be called before an object of ours is made. Gives the entry's number, for `undone`. */
  made(object: ObjectId): number {
    return this.#write({ what: 'made', object })
  }

  /** To be called before a shared object is changed; `restore` is the merge patch that puts it back. */
  changed(object: ObjectId, restore: object): number {
    return this.#write({ what: 'changed', object, restore })
  }

  /** To be called before a shared object is removed; `was` is what makes it again. */
  removed(object: ObjectId, was: KubernetesObject): number {
    return this.#write({ what: 'removed', object, was })
  }

  /** To be called before a program in a pod is told something; `restore` on the same port takes it back. */
  told(object: ObjectId, port: number, restore: PodRequest): number {
    return this.#write({ what: 'told', object, port, restore })
  }

  /** To be called before pods of a workload are killed or replaced. */
  disturbed(workload: ObjectId): number {
    return this.#write({ what: 'disturbed', object: workload })
  }

  /** Notes that what the entry names was undone, and seen to be. */
  undone(seq: number): void {
    this.#append({ what: 'undone', seq })
  }

  /** What is still to be undone, newest first. */
  pending(): JournalEntry[] {
    const { lines } = read(this.file)
    const undone = new Set(lines.filter((line) => line.what === 'undone').map((line) => line.seq))
    return lines.filter((line): line is JournalEntry => line.what !== 'undone' && !undone.has(line.seq)).reverse()
  }

  #write(entry: Unnumbered<JournalEntry>): number {
    const seq = ++this.#last
    this.#append({ seq, at: new Date().toISOString(), ...entry })
    return seq
  }

  #append(line: object): void {
    if (!this.#isTailChecked) dropTornLine(this.file)
    this.#isTailChecked = true
    const handle = openSync(this.file, 'a')
    try {
      appendFileSync(handle, `${JSON.stringify(line)}\n`)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  }
}

/** Takes a last line that a crash cut off away: what is written next would become a part of it. */
function dropTornLine(file: string): void {
  if (!existsSync(file)) return
  const content = readFileSync(file)
  const end = content.lastIndexOf('\n') + 1
  if (end < content.length) truncateSync(file, end)
}

/**
 * The lines of a journal, and the numbers (from 1) of those that are not JSON; what stands behind the last line break
 * is neither.
 */
function read(file: string): { lines: Line[]; broken: number[] } {
  const lines: Line[] = []
  const broken: number[] = []
  if (!existsSync(file)) return { lines, broken }
  for (const [at, text] of readFileSync(file, 'utf8').split('\n').slice(0, -1).entries()) {
    if (!text) continue
    try {
      lines.push(JSON.parse(text) as Line)
    } catch {
      broken.push(at + 1)
    }
  }
  return { lines, broken }
}
