/** One reason among several for which a request is refused. */
export interface Cause {
  reason?: string
  message: string
  field?: string
}

/** A refusal as the API answers it: a Status with its HTTP code. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Record<string, unknown> | undefined

  constructor(code: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

/** 'deployments.apps', as every message names a resource. */
const full = (group: string, plural: string): string => (group ? `${plural}.${group}` : plural)

export const notFound = (group: string, plural: string, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${full(group, plural)} "${name}" not found`, { name, group, kind: plural })

export const noSuchPath = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})

export const alreadyExists = (group: string, plural: string, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${full(group, plural)} "${name}" already exists`, {
    name,
    group,
    kind: plural,
  })

export const modified = (group: string, plural: string, name: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${full(group, plural)} "${name}": the object has been modified; ` +
      'please apply your changes to the latest version and try again',
    { name, group, kind: plural },
  )

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message)

export const invalid = (group: string, kind: string, name: string, causes: Cause[]): StatusError => {
  const messages = causes.map(({ field, message }) => (field ? `${field}: ${message}` : message))
  const all = messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`
  return new StatusError(422, 'Invalid', `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${all}`, {
    name,
    group,
    kind,
    causes,
  })
}

export const gone = (version: number, oldest: number): StatusError =>
  new StatusError(410, 'Expired', `too old resource version: ${version} (${oldest})`)

export const tooManyRequests = (message: string, causes: Cause[]): StatusError =>
  new StatusError(429, 'TooManyRequests', message, { causes })
