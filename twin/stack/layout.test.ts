import { describe, expect, it } from 'vitest'
import { testTwin } from '../../test/start-twin.ts'
import { certManagerName, istiodOf, namespacesOf, readLayout, USUAL_LAYOUT } from './layout.ts'

describe('a layout', () => {
  it('has only what differs from the usual one', () => {
    expect(readLayout('{}')).toEqual(USUAL_LAYOUT)
    const { gateways } = readLayout('{"gateways": [{"namespace": "istio-ingress"}]}')
    expect(gateways).toEqual([{ ...USUAL_LAYOUT.gateways[0], namespace: 'istio-ingress' }])
  })

  it('is refused where it has what no layout has, in a sentence', () => {
    expect(() => readLayout('{')).toThrow(/^--layout is not JSON: /)
    expect(() => readLayout('{"gateway": 1}')).toThrow(/^layout has no "gateway": it has clusterDomain, istiods/)
    expect(() => readLayout('{"knative": "serving"}')).toThrow('layout.knative is of type string: expected object.')
    expect(() => readLayout('{"istiods": [{"rev": "a"}]}')).toThrow(/^layout\.istiods\[0\] has no "rev"/)
  })

  it('names things as charts do', () => {
    expect(certManagerName({ namespace: 'x', release: 'cm' })).toBe('cm-cert-manager')
    const istiods = readLayout('{"istiods": [{"revision": "a", "tags": ["prod"]}, {"revision": "b"}]}').istiods
    expect([istiodOf({ istiods }, 'prod'), istiodOf({ istiods }, 'b')].map(({ revision }) => revision)).toEqual([
      'a',
      'b',
    ])
    expect(namespacesOf(USUAL_LAYOUT)).toEqual(['metallb-system', 'cert-manager', 'istio-system', 'knative-serving'])
  })
})

describe('a twin whose every component is elsewhere', () => {
  it('becomes ready, and keeps to its names', async () => {
    const layout = readLayout(
      JSON.stringify({
        clusterDomain: 'corp.internal',
        istiods: [{ namespace: 'mesh', revision: '1-31', tags: ['default'], rootNamespace: 'mesh-config' }],
        gateways: [
          {
            ...{ namespace: 'edge', name: 'edge', labels: { app: 'edge', istio: 'edge' }, injected: true },
            ...{ kind: 'DaemonSet', ports: [['http2', 80, 80]] },
          },
        ],
        balancer: {
          namespace: 'lb',
          controller: 'lb-metallb-controller',
          speaker: 'lb-metallb-speaker',
          labels: 'helm',
        },
        certManager: { namespace: 'pki', release: 'cm' },
        knative: { namespace: 'serving' },
        ambient: true,
      }),
    )
    const { call, stop } = await testTwin('metallb', layout)
    try {
      const { body } = await call('GET', '/api/v1/pods')
      const where = (body.items as { metadata: { namespace: string } }[]).map(({ metadata }) => metadata.namespace)
      expect([...new Set(where)].toSorted()).toEqual(
        ['edge', 'kube-system', 'lb', 'mesh', 'monitoring', 'pki', 'plumbline', 'serving'].toSorted(),
      )
      const service = await call('GET', '/apis/serving.knative.dev/v1/namespaces/plumbline/services/hello')
      expect(service.body.status.address.url).toBe('http://hello.plumbline.svc.corp.internal')
      // As Helm's chart has it, istiod fills in what the DaemonSet leaves open.
      const gateway = await call('GET', '/apis/apps/v1/namespaces/edge/daemonsets/edge')
      expect(gateway.body.spec.template.spec.containers[0].image).toBe('auto')
      expect(gateway.body.status.numberReady).toBe(2)
    } finally {
      await stop()
    }
  })
})
