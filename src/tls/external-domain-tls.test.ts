import { expect, test } from 'vitest'
import { found } from '../survey/fact.ts'
import { securedService } from './external-domain-tls.ts'

/** A Knative whose external domain TLS is on, with this issuer; whatever would change it is a fault of the test. */
function securedBy(reference: string, spec: object) {
  const refuse = () => {
    throw new Error('a setting was changed')
  }
  return {
    survey: () => Promise.resolve({ knative: found({ namespace: 'serving', externalDomainTls: true }, 'a test') }),
    knative: { version: () => Promise.resolve('1.22.1') },
    maybe: () => Promise.resolve({ data: { issuerRef: reference } }),
    one: () => Promise.resolve({ spec }),
    changes: { tune: refuse, place: refuse, restart: refuse },
    namespace: () => Promise.reject(new Error('a Service of ours was created')),
  } as unknown as Parameters<typeof securedService>[0]
}

const LETS_ENCRYPT = 'kind: ClusterIssuer\nname: letsencrypt\n'

test.each([
  [
    'ACME',
    LETS_ENCRYPT,
    { acme: {} },
    'external-domain-tls is on, and ClusterIssuer letsencrypt is of type acme: a certificate for a Service of ours ' +
      'would be ordered from its CA, and count against its limits.',
  ],
  [
    'an external issuer',
    'group: awspca.cert-manager.io\nkind: AWSPCAClusterIssuer\nname: pca\n',
    {},
    'external-domain-tls is on with issuer AWSPCAClusterIssuer pca of awspca.cert-manager.io, which is left alone.',
  ],
])('no certificate is ordered from %s', async (_, reference, spec, message) => {
  await expect(securedService(securedBy(reference, spec))).rejects.toMatchObject({ name: 'DoesNotApply', message })
})

test('with an issuer in the cluster a Service of ours is created, and no setting changed', async () => {
  await expect(securedService(securedBy('', { selfSigned: {} }))).rejects.toThrow('a Service of ours was created')
})
