import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { requireOwnRoutesOnly } from './route-owners.ts'

const route = (namespace: string, more: object = {}) => ({
  kind: 'Route',
  metadata: { name: 'web', namespace, ...more },
})
const ours = { labels: { 'app.kubernetes.io/managed-by': 'plumbline' } }

function clusterWith(...objects: KubernetesObject[]): Cluster {
  const list = (kind: string) =>
    kind.endsWith('/DomainMapping')
      ? Promise.reject(new StackFailure('The cluster does not serve DomainMapping.'))
      : Promise.resolve({ items: objects.filter((object) => kind.endsWith(`/${object.kind}`)) })
  return { k8s: { list }, runTag: 'ab12' } as unknown as Cluster
}

test('with no Routes but this run’s and labelled ones the setting is ours to change', async () => {
  const cluster = clusterWith(route('plumb-hello-ab12'), route('plumbline', ours))
  expect(await requireOwnRoutesOnly(cluster)).toEqual(['plumb-hello-ab12', 'plumbline'])
})

test.each([
  ['a Route', [route('shop'), route('store')], 'Route shop/web and 1 more'],
  ['one without our label in a namespace of our name', [route('plumbline')], 'Route plumbline/web'],
  ["another run's", [route('plumb-hello-cd34')], 'Route plumb-hello-cd34/web'],
  [
    'a certificate that is there',
    [{ kind: 'Certificate', metadata: { name: 'old', namespace: 'shop' } }],
    'Certificate shop/old',
  ],
])('%s of somebody else keeps it as it is', async (_, objects, named) => {
  await expect(requireOwnRoutesOnly(clusterWith(...objects))).rejects.toMatchObject({
    name: 'DoesNotApply',
    message: expect.stringContaining(
      `it would order certificates for others: ${named}. Nothing was changed.`,
    ) as string,
  })
})

test.each([
  ['is local to the cluster', route('shop', { labels: { 'networking.knative.dev/visibility': 'cluster-local' } })],
  ['has opted out', route('shop', { annotations: { 'networking.knative.dev/disable-external-domain-tls': 'true' } })],
  [
    'has another issuer',
    {
      kind: 'Certificate',
      metadata: {
        ...{ name: 'routing-serving-certs', namespace: 'knative-serving' },
        labels: { 'networking.knative.dev/certificate-type': 'system-internal' },
      },
    },
  ],
])('what %s does not notice', async (_, object) => {
  await expect(requireOwnRoutesOnly(clusterWith(object))).resolves.toEqual([])
})
