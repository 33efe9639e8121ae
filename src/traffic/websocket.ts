import WebSocket from 'ws'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { networkReason } from '../core/network-reason.ts'

/** A websocket to the workload, which gives each message back, and one each `everyMs` unasked. */
export interface WebsocketTarget {
  address: string
  port: number
  scheme: 'http' | 'https'
  host: string
  sni?: string
  headers?: Record<string, string>
  everyMs?: number
}

/** One conversation: messages are sent one after the other, then it is closed. */
export interface WebsocketTalk extends WebsocketTarget {
  messages: string[]
  /** How long it stays open after the last message, in milliseconds. */
  keepMs?: number
  within?: DeadlineName
}

export interface WorkloadMessage {
  text: string
  pod: string
  number: number
}

/** What came of it. `status` is what the upgrade was answered with: 101, or a refusal. */
export interface WebsocketAnswer {
  status: number
  answers: WorkloadMessage[]
  /** The close frame; without one the connection was cut off. */
  closed?: { code: number; reason: string; byServer: boolean; afterMs: number }
  error?: string
  openMs?: number
}

/** Opens a websocket. Its Host is `host`, wherever it goes to. */
export function openWebsocket({ address, port, scheme, host, sni, headers, everyMs }: WebsocketTarget): WebSocket {
  const place = address.includes(':') ? `[${address}]` : address
  const path = everyMs ? `/?every=${everyMs}` : '/'
  // ws passes its options on to tls.connect, whose types it does not have.
  const options: WebSocket.ClientOptions & { servername: string } = {
    headers: { host, ...headers },
    servername: sni ?? host.split(':')[0] ?? host,
    rejectUnauthorized: false,
    perMessageDeflate: false,
  }
  return new WebSocket(`${scheme === 'https' ? 'wss' : 'ws'}://${place}:${port}${path}`, options)
}

export const readMessage = (data: WebSocket.RawData): WorkloadMessage =>
  JSON.parse((data as Buffer).toString()) as WorkloadMessage

/** Talks from this machine. It never throws for what the network does. */
export const talkFromHere = (talk: WebsocketTalk): Promise<WebsocketAnswer> =>
  talkOverWebsocket(talk, deadline(talk.within ?? 'request'))

/** As talkFromHere, from where this code runs; `withinMs` bounds all of it but `keepMs`. */
export function talkOverWebsocket(talk: WebsocketTalk, withinMs: number): Promise<WebsocketAnswer> {
  return new Promise((resolve) => {
    const started = performance.now()
    const socket = openWebsocket(talk)
    const answer: WebsocketAnswer = { status: 0, answers: [] }
    let closing = false
    const done = (more: Partial<WebsocketAnswer> = {}) => {
      clearTimeout(timer)
      clearTimeout(keep)
      socket.terminate()
      resolve({ ...answer, ...more })
    }
    const timer = setTimeout(
      () => done({ error: `not over within ${withinMs / 1000} s` }),
      withinMs + (talk.keepMs ?? 0),
    )
    let keep: NodeJS.Timeout | undefined
    const next = () => {
      const message = talk.messages[answer.answers.filter(({ text }) => text !== '').length]
      if (message !== undefined) return socket.send(message)
      keep ??= setTimeout(() => {
        closing = true
        socket.close(1000)
      }, talk.keepMs ?? 0)
    }
    socket.on('unexpected-response', (_, response) => done({ status: response.statusCode ?? 0 }))
    socket.on('open', () => {
      answer.status = 101
      answer.openMs = performance.now() - started
      next()
    })
    socket.on('message', (data) => {
      const message = readMessage(data)
      answer.answers.push(message)
      if (message.text !== '') next()
    })
    socket.on('error', (problem) => done({ error: networkReason(problem) ?? problem.message }))
    socket.on('close', (code, reason) =>
      done(
        // 1006 stands for a close without a frame (RFC 6455, 7.4.1).
        code === 1006
          ? { error: 'cut off without a close frame' }
          : {
              closed: {
                ...{ code, reason: reason.toString(), byServer: !closing },
                afterMs: performance.now() - started - (answer.openMs ?? 0),
              },
            },
      ),
    )
  })
}
