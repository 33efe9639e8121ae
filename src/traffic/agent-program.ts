// The agent: a program in a pod of ours that sends requests, does handshakes and keeps probes inside the cluster.
// It is bundled into one file (agent-bundle.ts) and asked over the API server's pod proxy. GET / answers 200, for the
// readiness probe. Everything else is a POST of JSON with the run's token in the header x-plumbline-token:
//
//   /request    an HttpRequest and withinMs       sends one request: an Answer
//   /handshake  a HandshakeRequest and withinMs   does one TLS handshake: a HandshakeAnswer
//   /probe      as /request, and {rate, reuse}    begins a probe: {id, now}
//   /samples    {id, from}                        a probe's samples from that number on: {samples, forgotten}
//   /end        {id, from}                        ends a probe and gives the same
//   /http2      an Http2Exchange and withinMs     asks several hosts over one connection: Http2Answers
//   /grpc       a GrpcCall and withinMs           makes one call: a GrpcAnswer
//   /websocket  a WebsocketTalk and withinMs      talks over one websocket: a WebsocketAnswer
//   /streams    a StreamsTarget                   opens streams and keeps them open: {id, now}
//   /records    {id}                              what became of them so far: {records, now, forgotten}
//   /close      {id}                              ends them and gives the same
//   /clock      {}                                the pod's wall clock: {now}
//
// Times are in milliseconds; those of samples count from the beginning of the probe.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import { TOKEN_HEADER, UNKNOWN_PROBE } from './agent-protocol.ts'
import { shakeHands, type HandshakeRequest } from './handshake.ts'
import { callGrpc, type GrpcCall } from './grpc.ts'
import { sendOverHttp2, type Http2Exchange } from './http2.ts'
import { sendRequest, type HttpRequest } from './http.ts'
import { OpenStreams, type StreamsTarget } from './open-streams.ts'
import { startProber, type Prober, type ProbeOptions } from './prober.ts'
import { talkOverWebsocket, type WebsocketTalk } from './websocket.ts'

const { PORT = '8080', TOKEN_FILE = '/agent-token/token', FORGOTTEN_MS = '15000' } = process.env
const LONGEST_BODY = 1_000_000

/** A request that the agent does not take: the status, a word for programs and a sentence for people. */
class Refusal extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** What goes on here: a probe, or streams. What nobody asks about belongs to a run that is gone: it must not go on. */
class Kept<T extends { end: () => unknown }> {
  readonly what: T
  /** It ended because nobody asked about it. */
  forgotten = false
  readonly #watch: NodeJS.Timeout
  #asked = performance.now()

  constructor(what: T) {
    this.what = what
    this.#watch = setInterval(() => {
      if (performance.now() - this.#asked < Number(FORGOTTEN_MS)) return
      this.forgotten = true
      void this.end()
    }, 250)
  }

  ask(): this {
    this.#asked = performance.now()
    return this
  }

  async end(): Promise<void> {
    clearInterval(this.#watch)
    await this.what.end()
  }
}

const probes = new Map<string, Kept<Prober>>()
const streams = new Map<string, Kept<OpenStreams>>()

type Body = Record<string, unknown>

const works: Record<string, (body: Body) => unknown> = {
  request: (body) => sendRequest(checked<HttpRequest>(body, 'host'), { withinMs: amount(body, 'withinMs') }),
  handshake: (body) => shakeHands(checked<HandshakeRequest>(body), amount(body, 'withinMs')),
  probe: startProbe,
  samples: (body) => samplesOf(keptOf(probes, body), body),
  end: async (body) => {
    const probe = keptOf(probes, body)
    await probe.end()
    return samplesOf(probe, body)
  },
  http2: (body) => sendOverHttp2(checked<Http2Exchange>(body), amount(body, 'withinMs')),
  grpc: (body) => callGrpc(checked<GrpcCall>(body, 'host', 'method'), amount(body, 'withinMs')),
  websocket: (body) => talkOverWebsocket(checked<WebsocketTalk>(body, 'host'), amount(body, 'withinMs')),
  streams: (body) => {
    const open = new OpenStreams(checked<StreamsTarget>(body, 'host', 'kind'))
    return { id: keep(streams, open), now: open.now }
  },
  records: (body) => recordsOf(keptOf(streams, body)),
  close: async (body) => {
    const open = keptOf(streams, body)
    await open.end()
    return recordsOf(open)
  },
  clock: () => ({ now: performance.timeOrigin + performance.now() }),
}

function startProbe(body: Body): { id: string; now: number } {
  const rate = amount(body, 'rate')
  const request = checked<HttpRequest & ProbeOptions>(body, 'host')
  const prober = startProber(request, { rate, reuse: body.reuse === true }, amount(body, 'withinMs'))
  return { id: keep(probes, prober), now: prober.now }
}

function keep<T extends { end: () => unknown }>(all: Map<string, Kept<T>>, what: T): string {
  // Random: the number of what went on in an earlier agent must not be that of another one here.
  const id = randomUUID()
  all.set(id, new Kept(what))
  return id
}

function keptOf<T extends { end: () => unknown }>(all: Map<string, Kept<T>>, { id }: Body): Kept<T> {
  const kept = typeof id === 'string' ? all.get(id) : undefined
  if (!kept)
    throw new Refusal(404, UNKNOWN_PROBE, `this agent has no probe ${String(id)}: it started after that probe began`)
  return kept.ask()
}

const recordsOf = ({ what, forgotten }: Kept<OpenStreams>) => ({ records: what.records, now: what.now, forgotten })

const samplesOf = ({ what, forgotten }: Kept<Prober>, { from }: Body) => ({
  samples: what.samples.slice(typeof from === 'number' ? from : 0),
  forgotten,
})

function checked<T>(body: Body, ...texts: string[]): T {
  for (const field of ['address', ...texts])
    if (typeof body[field] !== 'string') throw new Refusal(400, 'BadRequest', `${field} must be a string`)
  amount(body, 'port')
  return body as T
}

function amount(body: Body, field: string): number {
  const value = body[field]
  if (typeof value === 'number' && value > 0) return value
  throw new Refusal(400, 'BadRequest', `${field} must be a number above 0`)
}

// Compared as digests: they have one length, and the time that it takes says nothing of the token.
const digest = (text: string) => createHash('sha256').update(text).digest()
const token = digest(readFileSync(TOKEN_FILE, 'utf8').trim())

async function answer(incoming: IncomingMessage): Promise<unknown> {
  const shown = incoming.headers[TOKEN_HEADER]
  if (typeof shown !== 'string' || !timingSafeEqual(digest(shown), token))
    throw new Refusal(
      401,
      'Unauthorized',
      `the header ${TOKEN_HEADER} must have the token of the run that made this pod`,
    )
  const name = incoming.url?.split('?')[0]?.split('/').at(-1) ?? ''
  const work = Object.hasOwn(works, name) ? works[name] : undefined
  if (!work)
    throw new Refusal(
      404,
      'UnknownPath',
      `POST one of ${Object.keys(works)
        .map((known) => `/${known}`)
        .join(', ')}`,
    )
  if (incoming.method !== 'POST')
    throw new Refusal(405, 'MethodNotAllowed', `/${name} takes POST, not ${incoming.method}`)
  return work(await readJson(incoming))
}

async function readJson(incoming: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_BODY) throw new Refusal(413, 'TooLarge', `the body is longer than ${LONGEST_BODY} bytes`)
    chunks.push(chunk)
  }
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString())
  } catch (problem) {
    throw new Refusal(400, 'BadRequest', `the body is not JSON: ${(problem as Error).message}`)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'BadRequest', 'the body must be a JSON object')
  return body as Body
}

http
  .createServer((incoming, outgoing) => {
    if (incoming.method === 'GET' && incoming.url === '/') return void outgoing.end('plumbline agent')
    const send = (code: number, body: unknown) =>
      outgoing.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    answer(incoming)
      .then(
        (result) => send(200, result),
        (problem: Error) => {
          const { code, reason } = problem instanceof Refusal ? problem : { code: 400, reason: 'BadRequest' }
          send(code, { reason, message: `agent: ${problem.message}` })
        },
      )
      .catch(() => outgoing.destroy())
  })
  .listen(Number(PORT))
process.on('SIGTERM', () => process.exit(0))
