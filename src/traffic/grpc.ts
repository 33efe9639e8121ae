import type { ClientHttp2Session } from 'node:http2'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { networkReason } from '../core/network-reason.ts'
import { openHttp2, type Http2Target } from './http2.ts'
import { decodeEchoes, encodeEcho, type EchoAnswer, type EchoRequest } from './protobuf.ts'

/** A gRPC call of the workload's plumbline.Echo, on a connection of its own. */
export interface GrpcCall extends Http2Target, EchoRequest {
  host: string
  /** Say gives one answer, Count so many. */
  method: 'Say' | 'Count'
  headers?: Record<string, string>
  within?: DeadlineName
}

/**
 * What came of it. `status` is gRPC's own (0 is OK); undefined where the call ended without one, and `error` says how.
 */
export interface GrpcAnswer {
  httpStatus: number
  status?: number
  message?: string
  answers: EchoAnswer[]
  error?: string
  /** Until the first answer, in milliseconds. */
  firstMs?: number
  ms: number
}

/** Calls from this machine. It never throws for what the network does. */
export const callGrpcFromHere = (call: GrpcCall): Promise<GrpcAnswer> =>
  callGrpc(call, deadline(call.within ?? 'request'))

/** As callGrpcFromHere, from where this code runs. */
export function callGrpc(call: GrpcCall, withinMs: number): Promise<GrpcAnswer> {
  return new Promise((resolve) => {
    const started = performance.now()
    const session = openHttp2(call)
    const answer: GrpcAnswer = { httpStatus: 0, answers: [], ms: 0 }
    const done = (more: Partial<GrpcAnswer>) => {
      clearTimeout(timer)
      session.destroy()
      resolve({ ...answer, ...more, ms: performance.now() - started })
    }
    const timer = setTimeout(() => done({ error: `no end within ${withinMs / 1000} s` }), withinMs)
    session.on('error', (problem) => done({ error: networkReason(problem) ?? String(problem) }))
    openGrpc(session, call, {
      opened: (httpStatus) => (answer.httpStatus = httpStatus),
      answered: (echo) => {
        answer.firstMs ??= performance.now() - started
        answer.answers.push(echo)
      },
      ended: ({ status, message, error }) =>
        done({
          ...(status === undefined ? {} : { status }),
          ...(message ? { message } : {}),
          ...(error ? { error } : {}),
        }),
    })
  })
}

/** What a call tells while it goes on. */
export interface GrpcEvents {
  opened: (httpStatus: number) => void
  answered: (answer: EchoAnswer) => void
  /** Once. Without a status the call was cut off: `error` says how. */
  ended: (end: { status?: number; message?: string; error?: string }) => void
}

/** Makes a call over a connection that is open, and tells what comes. */
export function openGrpc(
  session: ClientHttp2Session,
  { host, method, headers, scheme, ...request }: Omit<GrpcCall, 'address' | 'port'>,
  events: GrpcEvents,
): void {
  const stream = session.request({
    ':method': 'POST',
    ':scheme': scheme,
    ':authority': host,
    ':path': `/plumbline.Echo/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  let end: { status?: number; message?: string } = {}
  let over = false
  let rest: Buffer = Buffer.alloc(0)
  const finish = (error?: string) => {
    if (over) return
    over = true
    events.ended({ ...end, ...(error && end.status === undefined ? { error } : {}) })
  }
  // An answer without messages has its status among the headers ("trailers only").
  const note = (fields: Record<string, unknown>) => {
    if (fields['grpc-status'] === undefined) return
    const message = fields['grpc-message']
    end = {
      status: Number(fields['grpc-status']),
      ...(typeof message === 'string' ? { message: decodeURIComponent(message) } : {}),
    }
  }
  stream.on('response', (fields) => {
    events.opened(fields[':status'] ?? 0)
    note(fields)
  })
  stream.on('trailers', note)
  stream.on('data', (chunk: Buffer) => {
    const decoded = decodeEchoes(Buffer.concat([rest, chunk]))
    rest = decoded.rest
    for (const answer of decoded.answers) events.answered(answer)
  })
  stream.on('error', (problem) => finish(networkReason(problem) ?? String(problem)))
  stream.on('close', () => finish(`cut off without a status (${cutOffBy(stream.rstCode)})`))
  stream.end(encodeEcho(request))
}

/** The HTTP/2 error code of a stream that was cut off (RFC 9113, 7). */
const cutOffBy = (code: number): string =>
  ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'][code] ??
  { 7: 'REFUSED_STREAM', 8: 'CANCEL', 11: 'ENHANCE_YOUR_CALM' }[code] ??
  `code ${code}`
