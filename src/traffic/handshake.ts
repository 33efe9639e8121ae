import tls from 'node:tls'
import { deadline } from '../core/deadlines.ts'
import { readCertificates } from './certificates.ts'
import type { X509Certificate } from 'node:crypto'

/** One TLS handshake to an address. */
export interface HandshakeRequest {
  address: string
  port: number
  /** The server name it asks for; none where empty. */
  sni: string
  /** A session of an earlier handshake, to be resumed. */
  session?: string
  maxVersion?: tls.SecureVersion
}

/** What the server showed; `error` where the handshake failed. */
export interface HandshakeAnswer {
  protocol?: string
  /** PEM, the server's own certificate first. */
  certificates: string[]
  resumed?: boolean
  /** The session that the server gave for the next time, as base64. */
  session?: string
  error?: string
}

export interface Handshake extends Omit<HandshakeAnswer, 'certificates'> {
  chain: X509Certificate[]
}

export const readHandshake = ({ certificates, ...rest }: HandshakeAnswer): Handshake => ({
  ...rest,
  chain: readCertificates(certificates.join('\n')),
})

/** Does one TLS handshake from this machine. It never throws for what the network does. */
export const shakeHandsFromHere = (request: HandshakeRequest): Promise<HandshakeAnswer> =>
  shakeHands(request, deadline('request'))

/**
 * Does one TLS handshake from where this code runs (the harness, and the agent pod), and waits for the session that a
 * server of TLS 1.3 gives after it. It never throws for what the network does.
 */
export function shakeHands(
  { address, port, sni, session, maxVersion }: HandshakeRequest,
  withinMs: number,
): Promise<HandshakeAnswer> {
  return new Promise((resolve) => {
    const certificates: string[] = []
    const socket = tls.connect({
      host: address,
      port,
      servername: sni,
      rejectUnauthorized: false,
      // Old versions are offered, so that it is the server which refuses them.
      minVersion: 'TLSv1',
      ...(maxVersion ? { maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
      ...(session ? { session: Buffer.from(session, 'base64') } : {}),
    })
    const done = (answer: Omit<HandshakeAnswer, 'certificates'>) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ certificates, ...answer })
    }
    const timer = setTimeout(() => done({ error: 'no answer' }), withinMs)
    const outcome = () => ({ protocol: socket.getProtocol() ?? 'unknown', resumed: socket.isSessionReused() })
    let ticket = ''
    socket.on('error', (problem: NodeJS.ErrnoException) => done({ error: problem.code ?? problem.message }))
    socket.on('close', () => done({ error: 'closed' }))
    socket.on('secureConnect', () => {
      for (let shown = socket.getPeerX509Certificate(); shown; shown = shown.issuerCertificate)
        certificates.push(shown.toString())
      // The ticket of TLS 1.3 comes with the first data; a server that gives none answers the request all the same.
      socket.write(`HEAD / HTTP/1.1\r\nHost: ${sni}\r\nConnection: close\r\n\r\n`)
      socket.once('data', () => done({ ...outcome(), ...(ticket ? { session: ticket } : {}) }))
    })
    socket.on('session', (session) => (ticket = session.toString('base64')))
  })
}
