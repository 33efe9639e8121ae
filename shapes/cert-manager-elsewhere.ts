import { shape } from '../src/shapes/shape.ts'

shape('cert-manager-elsewhere', {
  healthy: 'cert-manager is the Helm release cm in namespace pki',
  onTwin: { layout: { certManager: { namespace: 'pki', release: 'cm' } } },
  onKind: { cannot: 'not written yet' },
})
