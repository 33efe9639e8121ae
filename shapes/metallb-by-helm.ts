import { shape } from '../src/shapes/shape.ts'

const NAMESPACE = 'metallb-system'
// FRR's images are on no node, and layer 2 needs none of them.
const VALUES = { speaker: { frr: { enabled: false } }, frrk8s: { enabled: false } }

shape('metallb-by-helm', {
  healthy: 'MetalLB is a Helm release, whose Deployment and DaemonSet have the names and labels of its chart',
  onTwin: {
    layout: { balancer: { controller: 'metallb-controller', speaker: 'metallb-speaker', labels: 'helm' } },
  },
  onKind: {
    charts: ['metallb'],
    make: async (shaper) => {
      await shaper.remove('apps/v1/Deployment', NAMESPACE, 'controller')
      await shaper.remove('apps/v1/DaemonSet', NAMESPACE, 'speaker')
      await shaper.install({ chart: 'metallb', name: 'metallb', namespace: NAMESPACE, values: VALUES })
      await shaper.rolledOut(NAMESPACE, 'metallb-controller')
      await shaper.rolledOut(NAMESPACE, 'metallb-speaker', 'DaemonSet')
    },
  },
})
