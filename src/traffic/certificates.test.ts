import { describe, expect, test } from 'vitest'
import { makeAuthority } from '../tls/authority.ts'
import { chainTroubles, readCertificates } from './certificates.ts'
import { issue, readAuthority } from '../../twin/certificates.ts'

const HOUR = 3_600_000

async function chainFor(names: string[], lifeMs = 12 * HOUR) {
  const pem = await makeAuthority('a test CA')
  const issued = await issue(await readAuthority(pem), { subject: '', names, notAfter: new Date(Date.now() + lifeMs) })
  return { chain: readCertificates(issued.cert), ca: readCertificates(pem.cert)[0]! }
}

describe('a chain', () => {
  test('that is right has no troubles, by its names and by a wildcard', async () => {
    const { chain, ca } = await chainFor(['site.test', '*.site.test'])
    expect(chainTroubles(chain, ca, 'site.test')).toEqual([])
    expect(chainTroubles(chain, ca, 'any.site.test')).toEqual([])
    expect(chainTroubles([...chain, ca], ca, 'site.test')).toEqual([])
  })

  test('names who it is for, a SPIFFE identity too', async () => {
    const identity = 'spiffe://cluster.local/ns/a/sa/default'
    const { chain, ca } = await chainFor([identity])
    expect(chainTroubles(chain, ca, identity)).toEqual([])
    expect(chainTroubles(chain, ca, 'spiffe://cluster.local/ns/b/sa/default')).toEqual([
      `the certificate is for URI:${identity}, not for spiffe://cluster.local/ns/b/sa/default`,
    ])
  })

  test('of another authority says which', async () => {
    const [{ chain }, { ca: other }] = await Promise.all([chainFor(['site.test']), chainFor(['site.test'])])
    expect(chainTroubles(chain, other, 'site.test')[0]).toMatch(/is signed by CN=a test CA, not by CN=a test CA$/)
    expect(chainTroubles([], other, 'site.test')).toEqual(['no certificate was shown'])
  })

  test('that expired says when, and that the clock may be what is wrong', async () => {
    const { chain, ca } = await chainFor(['site.test'], HOUR)
    const inThreeHours = new Date(Date.now() + 3 * HOUR)
    const [expired] = chainTroubles(chain, ca, 'site.test', inThreeHours)
    expect(expired).toMatch(/expired at .*, 2 h ago; this machine's clock says .*Z: compare it with the cluster's/)
  })

  test('seen by a clock that is an hour slow says that it is not valid yet, and by how much', async () => {
    const { chain, ca } = await chainFor(['site.test'])
    const anHourAgo = new Date(Date.now() - HOUR)
    expect(chainTroubles(chain, ca, 'site.test', anHourAgo)[0]).toMatch(
      /is not valid before .*, (58|59|60) min from now; this/,
    )
  })
})
