import { shape } from '../src/shapes/shape.ts'

shape('everything-elsewhere', {
  healthy: 'every component has another name or namespace than in its manifest, and mesh-wide policies are apart',
  onTwin: {
    layout: {
      istiods: [{ namespace: 'mesh', revision: 'stable', tags: ['default', 'prod'], rootNamespace: 'mesh-policies' }],
      gateways: [
        {
          ...{ namespace: 'edge', name: 'public', labels: { app: 'public', istio: 'public' }, injected: true },
          ...{ revision: 'prod', replicas: 2 },
          ports: [
            ['status-port', 15021, 15021],
            ['http2', 80, 80],
            ['https', 443, 443],
          ],
        },
      ],
      balancer: { namespace: 'lb', controller: 'lb-metallb-controller', speaker: 'lb-metallb-speaker', labels: 'helm' },
      certManager: { namespace: 'pki', release: 'cm' },
      knative: { namespace: 'serving' },
    },
  },
  onKind: { cannot: 'a kind cluster has the stack under the names of its manifests' },
})
