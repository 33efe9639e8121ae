import { describe, expect, test } from 'vitest'
import { stackSchema } from '../config/stack-schema.ts'
import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt } from '../core/problem.ts'
import { valueOf } from './fact.ts'
import { readGateways } from './gateways.ts'
import { readIstiods } from './istiods.ts'
import type { Readings } from './readings.ts'

/** Readings of a cluster with these objects, in which no pod is Ready. */
const readingsOf = (objects: KubernetesObject[], gateway = {}, refused: string[] = []): Readings => {
  const ofKind = (kind: string) => objects.filter((each) => each.kind === kind.split('/').at(-1))
  const list = (kind: string) =>
    refused.includes(kind) ? Promise.reject(new NotLookedAt(`may not list ${kind}`)) : Promise.resolve(ofKind(kind))
  return {
    ...{ list, listServed: list },
    find: async (kind: string, name: string) => (await list(kind)).find(({ metadata }) => metadata?.name === name),
    config: { ...stackSchema.parse({}), gateway },
    signal: new AbortController().signal,
  } as unknown as Readings
}

const workload = (kind: string, namespace: string, name: string, pod: object): KubernetesObject => ({
  kind,
  metadata: { namespace, name },
  spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: pod },
  status: { desiredNumberScheduled: 5 },
})
const injected = (labels: Record<string, string>) => ({
  metadata: { labels, annotations: { 'inject.istio.io/templates': 'gateway' } },
  spec: { containers: [{ name: 'istio-proxy', image: 'auto', ports: [{ name: 'web', containerPort: 8000 }] }] },
})
const service = (namespace: string, name: string, spec: object, status: object = {}): KubernetesObject => ({
  kind: 'Service',
  metadata: { namespace, name },
  spec: { type: 'LoadBalancer', ...spec },
  status,
})

describe('gateways', () => {
  const labels = { app: 'edge', istio: 'edge' }
  const daemonSet = workload('DaemonSet', 'front', 'edge', injected(labels))
  const nodePort = service('front', 'edge', {
    type: 'NodePort',
    selector: { app: 'edge' },
    ports: [{ port: 80, targetPort: 'web', nodePort: 30080 }, { port: 443 }],
    externalTrafficPolicy: 'Local',
  })

  test("the gateway chart's as a DaemonSet behind a NodePort, with nothing that answers", async () => {
    const [gateway] = valueOf(
      await readGateways(readingsOf([daemonSet, nodePort]), Promise.resolve({ value: [], by: '' })),
    )
    expect(gateway).toMatchObject({
      service: { namespace: 'front', name: 'edge', type: 'NodePort', externalTrafficPolicy: 'Local' },
      ports: [
        { port: 80, target: 8000, nodePort: 30080 },
        { port: 443, target: 443 },
      ],
      labels: { istio: 'edge' },
      workloads: [{ kind: 'DaemonSet', replicas: 5 }],
      managedBy: 'manifest',
      credentialNamespace: 'front',
      listens: { unknown: "the gateway's configuration could not be read: no pod of it is Ready" },
      balancer: { value: { maker: 'none', addresses: [] } },
    })
  })

  test('is unknown without the rights, and absent where there is none', async () => {
    const none = Promise.resolve({ value: [], by: '' })
    expect(await readGateways(readingsOf([], {}, ['v1/Service']), none)).toEqual({ unknown: 'may not list v1/Service' })
    expect(await readGateways(readingsOf([]), none)).toHaveProperty('absent')
  })
})

describe('istiods', () => {
  const istiod = (namespace: string, name: string, podLabels: object, container: object = {}) =>
    workload('Deployment', namespace, name, {
      metadata: { labels: { app: 'istiod', ...podLabels } },
      spec: { containers: [{ name: 'discovery', image: 'x/pilot:1.30.3', ...container }] },
    })

  test('two of them by revision, with tags, ports, and what nobody answered for', async () => {
    const tag = {
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'istio-revision-tag-prod', labels: { 'istio.io/tag': 'prod', 'istio.io/rev': '1-30' } },
      webhooks: [{ clientConfig: { service: { namespace: 'mesh' } } }],
    }
    const map = {
      kind: 'ConfigMap',
      metadata: { namespace: 'mesh', name: 'istio-1-30' },
      data: { mesh: 'accessLogFile: ""\nrootNamespace: mesh-root\n' },
    }
    const found = await readIstiods(
      readingsOf([
        istiod(
          'mesh',
          'istiod-1-30',
          { 'istio.io/rev': '1-30' },
          { args: ['--monitoringAddr=:9999', '--log_as_json'] },
        ),
        istiod('other', 'pilot', {}, { env: [{ name: 'PILOT_CA_CERT_CONFIGMAP', value: 'root' }] }),
        workload('Deployment', 'mesh', 'tool', { metadata: { labels: { app: 'istiod' } }, spec: { containers: [] } }),
        ...[tag, map],
      ]),
    )
    expect(valueOf(found)).toMatchObject([
      {
        revision: '1-30',
        tags: ['prod'],
        version: { value: '1.30.3', by: 'the image of container discovery' },
        ports: { debug: 9999, ctrlz: 9876 },
        mesh: { value: { rootNamespace: 'mesh-root' }, by: 'ConfigMap mesh/istio-1-30: data.mesh' },
        rootNamespace: 'mesh-root',
        jsonLogs: true,
      },
      { revision: 'default', tags: [], rootNamespace: 'other', rootCertConfigMap: 'root', jsonLogs: false },
    ])
  })

  test('absent where there is none', async () => {
    expect(await readIstiods(readingsOf([]))).toHaveProperty('absent')
  })
})
