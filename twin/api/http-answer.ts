import type { IncomingMessage, ServerResponse } from 'node:http'
import { parse } from 'yaml'
import { badRequest, StatusError } from './status-error.ts'

/** Sends an answer of JSON, with warnings as the API sends them. */
export function answerJson(
  response: ServerResponse,
  code: number,
  body: unknown,
  warnings: string[] = [],
  type = 'application/json',
): void {
  const text = JSON.stringify(body)
  if (warnings.length)
    response.setHeader(
      'warning',
      warnings.map((each) => `299 - "${each.replaceAll('"', '\\"')}"`),
    )
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

/** Sends what went wrong as a Status. */
export function answerProblem(response: ServerResponse, problem: unknown): void {
  if (response.headersSent) return void response.destroy()
  if (problem instanceof StatusError) return answerJson(response, problem.code, problem.toStatus())
  console.error(problem)
  const reason = problem instanceof Error ? problem.message : String(problem)
  answerJson(response, 500, new StatusError(500, 'InternalError', `Internal error occurred: ${reason}`).toStatus())
}

/** The body of a request as text; at most 3 MiB, as an API server takes. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > 3 * 2 ** 20)
      throw new StatusError(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * The body of a request, JSON or YAML.
 * @throws StatusError 400 for a body that is neither, 415 for another content type
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0] ?? ''
  const text = await readText(request)
  if (!text) return undefined
  if (/protobuf|cbor/.test(type)) {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - ' +
        'accepted media types include: application/json, application/yaml',
    )
  }
  try {
    return /yaml/.test(type) && !text.startsWith('{') ? parse(text) : JSON.parse(text)
  } catch (problem) {
    throw badRequest(`the object provided is unrecognized (must be of type JSON or YAML): ${firstLineOf(problem)}`)
  }
}

const firstLineOf = (problem: unknown): string =>
  problem instanceof Error ? (problem.message.split('\n')[0] ?? '') : ''
