import { openGrpc } from './grpc.ts'
import { openHttp2, type Http2Target } from './http2.ts'
import { networkReason } from '../core/network-reason.ts'
import { openWebsocket, readMessage } from './websocket.ts'

export type StreamKind = 'grpc' | 'websocket'

/** Streams that are kept open: so many of a kind, each on a connection of its own. */
export interface StreamsTarget extends Http2Target {
  kind: StreamKind
  host: string
  headers?: Record<string, string>
  count: number
  /** The workload sends a message on each as often. */
  everyMs: number
  /** A stream on which nothing came for so long hangs, and is given up. */
  silentMs: number
}

/**
 * How a stream ended. clean: by its protocol (a status of gRPC, a close frame). goaway: its connection was told to go
 * and it was cut off afterwards. cut: its connection was lost. refused: it did not open. silent: it hung.
 */
export type StreamEnd = 'clean' | 'goaway' | 'cut' | 'refused' | 'silent'

/** One stream; times are in milliseconds since the streams began. */
export interface StreamRecord {
  /** Its place: a stream that ends is followed by another in the same place. */
  place: number
  begun: number
  opened?: number
  messages: number
  lastMessage?: number
  pod?: string
  ended?: { at: number; how: StreamEnd; detail: string }
}

/** Streams under way, from here or from the agent. */
export interface KeptStreams {
  readonly records: readonly StreamRecord[]
  /** Ends all of them, and gives what became of each. */
  end: () => Promise<readonly StreamRecord[]>
}

/** A place that failed to open is tried again so much later. */
const AGAIN_MS = 100

/** Keeps streams open from where this code runs, and records what becomes of each. */
export class OpenStreams implements KeptStreams {
  readonly records: StreamRecord[] = []
  readonly began = performance.now()
  readonly #target: StreamsTarget
  readonly #abandon = new Set<() => void>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #over = false

  /** Opens them at once. */
  constructor(target: StreamsTarget) {
    this.#target = target
    for (let place = 0; place < target.count; place++) this.#open(place)
  }

  get now(): number {
    return performance.now() - this.began
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- those of the agent end later
  async end(): Promise<StreamRecord[]> {
    this.#over = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const abandon of this.#abandon) abandon()
    return this.records
  }

  #open(place: number): void {
    if (this.#over) return
    const record: StreamRecord = { place, begun: this.now, messages: 0 }
    this.records.push(record)
    const { silentMs } = this.#target
    let close: () => void = () => undefined
    let watch: NodeJS.Timeout | undefined
    const heard = () => {
      clearTimeout(watch)
      watch = setTimeout(() => ended('silent', `nothing came for ${silentMs / 1000} s`), silentMs)
    }
    const abandon = () => {
      clearTimeout(watch)
      this.#abandon.delete(abandon)
      close()
    }
    const ended = (how: StreamEnd, detail: string) => {
      if (record.ended || this.#over) return
      record.ended = { at: this.now, how, detail }
      abandon()
      const timer = setTimeout(
        () => {
          this.#timers.delete(timer)
          this.#open(place)
        },
        how === 'refused' ? AGAIN_MS : 0,
      )
      this.#timers.add(timer)
    }
    this.#abandon.add(abandon)
    heard()
    const events = {
      opened: () => (record.opened ??= this.now),
      message: (pod: string) => {
        record.messages++
        record.lastMessage = this.now
        record.pod = pod
        heard()
      },
      ended,
    }
    close = this.#target.kind === 'grpc' ? keepGrpc(this.#target, events) : keepWebsocket(this.#target, events)
  }
}

interface StreamEvents {
  opened: () => void
  message: (pod: string) => void
  ended: (how: StreamEnd, detail: string) => void
}

function keepGrpc(target: StreamsTarget, { opened, message, ended }: StreamEvents): () => void {
  const session = openHttp2(target)
  let open = false
  let goaway: number | undefined
  const lost = (detail: string) => {
    if (!open) ended('refused', detail)
    else if (goaway === undefined) ended('cut', detail)
    else ended('goaway', `GOAWAY ${goaway}, then ${detail}`)
  }
  session.on('goaway', (code) => (goaway = code))
  session.on('error', (problem) => lost(networkReason(problem) ?? String(problem)))
  openGrpc(
    session,
    { ...target, method: 'Count', text: 'stream', count: 0 },
    {
      opened: (status) => {
        if (status !== 200) return ended('refused', `HTTP status ${status}`)
        open = true
        opened()
      },
      answered: ({ pod }) => message(pod),
      ended: ({ status, message: text, error }) => {
        if (status === undefined) lost(error ?? 'the connection was closed')
        else if (open || status === 0) ended('clean', `gRPC status ${status}${text ? ` (${text})` : ''}`)
        else ended('refused', `gRPC status ${status}${text ? ` (${text})` : ''}`)
      },
    },
  )
  return () => session.destroy()
}

function keepWebsocket(target: StreamsTarget, { opened, message, ended }: StreamEvents): () => void {
  const socket = openWebsocket(target)
  let open = false
  socket.on('open', () => {
    open = true
    opened()
  })
  socket.on('message', (data) => message(readMessage(data).pod))
  socket.on('unexpected-response', (_, { statusCode }) => ended('refused', `HTTP status ${statusCode}`))
  socket.on('error', (problem) => ended(open ? 'cut' : 'refused', networkReason(problem) ?? problem.message))
  socket.on('close', (code, reason) =>
    // 1006 stands for a close without a frame (RFC 6455, 7.4.1).
    code === 1006
      ? ended(open ? 'cut' : 'refused', 'closed without a close frame')
      : ended('clean', `close frame ${code}${reason.length ? ` (${reason.toString()})` : ''}`),
  )
  return () => {
    socket.on('error', () => undefined)
    socket.terminate()
  }
}
