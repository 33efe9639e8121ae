import { shape } from '../src/shapes/shape.ts'

const [FROM, TO] = ['cert-manager', 'pki']
const CONFIGURATION = 'admissionregistration.k8s.io/v1'

shape('cert-manager-elsewhere', {
  healthy: 'cert-manager is the Helm release cm in namespace pki',
  onTwin: { layout: { certManager: { namespace: TO, release: 'cm' } } },
  onKind: {
    charts: ['cert-manager'],
    make: async (shaper) => {
      for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])
        await shaper.remove(`${CONFIGURATION}/${kind}`, undefined, 'cert-manager-webhook')
      for (const name of ['cert-manager', 'cert-manager-webhook', 'cert-manager-cainjector'])
        await shaper.remove('apps/v1/Deployment', FROM, name)
      await shaper.namespace(TO)
      const values = { startupapicheck: { enabled: false } }
      await shaper.install({ chart: 'cert-manager', name: 'cm', namespace: TO, values })
      for (const part of ['', '-webhook', '-cainjector']) await shaper.rolledOut(TO, `cm-cert-manager${part}`)
    },
  },
})
