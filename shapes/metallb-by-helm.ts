import { shape } from '../src/shapes/shape.ts'

shape('metallb-by-helm', {
  healthy: 'MetalLB is a Helm release, whose Deployment and DaemonSet have the names and labels of its chart',
  onTwin: {
    layout: { balancer: { controller: 'metallb-controller', speaker: 'metallb-speaker', labels: 'helm' } },
  },
  onKind: { cannot: 'not written yet' },
})
