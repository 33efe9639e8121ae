import { makeAuthority } from '../tls/authority.ts'
import type { Shaper } from './shaper.ts'

const NAME = 'company-ca'
const DAYS = 3650

/** Makes a ClusterIssuer of a CA that nobody outside knows, and gives its name. */
export async function makePrivateIssuer(shaper: Shaper): Promise<string> {
  const { cert, key } = await makeAuthority('Company CA', { days: DAYS })
  const encode = (text: string) => Buffer.from(text).toString('base64')
  await shaper.make({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: NAME, namespace: 'cert-manager' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encode(cert), 'tls.key': encode(key) },
  })
  await shaper.make({
    apiVersion: 'cert-manager.io/v1',
    kind: 'ClusterIssuer',
    metadata: { name: NAME },
    spec: { ca: { secretName: NAME } },
  })
  return NAME
}
