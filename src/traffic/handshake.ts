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

/** Does one TLS handshake from this machine, and waits for the session that a server of TLS 1.3 gives after it. It never throws. */
export function shakeHandsFromHere({
  address,
  port,
  sni,
  session,
  maxVersion,
}: HandshakeRequest): Promise<HandshakeAnswer> {
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
    const timer = setTimeout(() => done({ error: 'no answer' }), deadline('request'))
    const seen = () => ({ protocol: socket.getProtocol() ?? 'unknown', resumed: socket.isSessionReused() })
    socket.on('error', (problem: NodeJS.ErrnoException) => done({ error: problem.code ?? problem.message }))
    socket.on('close', () => done({ error: 'closed' }))
    socket.on('secureConnect', () => {
      for (let each = socket.getPeerX509Certificate(); each; each = each.issuerCertificate)
        certificates.push(each.toString())
      // The ticket of TLS 1.3 comes with the first data; a server that gives none answers the request all the same.
      socket.write(`HEAD / HTTP/1.1\r\nHost: ${sni}\r\nConnection: close\r\n\r\n`)
      socket.once('data', () => done({ ...seen(), ...(given ? { session: given } : {}) }))
    })
    let given = ''
    socket.on('session', (ticket) => (given = ticket.toString('base64')))
  })
}
