import { shape, type Make } from '../src/shapes/shape.ts'

const [NAMESPACE, NAME] = ['istio-internal', 'istio-internal']

/** Has Knative use the second gateway for the Services with a label. */
const nameBoth: Make = async (shaper) => {
  const http = { name: 'http', number: 80, protocol: 'HTTP' }
  await shaper.make({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: { selector: { istio: 'internal' }, servers: [{ hosts: ['*'], port: http }] },
  })
  await shaper.change('v1/ConfigMap', 'knative-serving', 'config-istio', {
    data: {
      'external-gateways': JSON.stringify([
        {
          name: 'knative-ingress-gateway',
          namespace: 'knative-serving',
          service: 'istio-ingressgateway.istio-system.svc.cluster.local',
        },
        {
          name: NAME,
          namespace: NAMESPACE,
          service: `${NAME}.${NAMESPACE}.svc.cluster.local`,
          labelSelector: { matchLabels: { exposure: 'internal' } },
        },
      ]),
    },
  })
}

shape('two-gateways', {
  healthy: 'there are two gateways: one for clients outside, one for those inside',
  onTwin: {
    layout: {
      gateways: [{}, { namespace: NAMESPACE, name: NAME, labels: { app: NAME, istio: 'internal' }, replicas: 2 }],
    },
    make: nameBoth,
  },
  onKind: {
    charts: ['gateway'],
    make: async (shaper) => {
      await shaper.namespace(NAMESPACE)
      await shaper.install({ chart: 'gateway', name: NAME, namespace: NAMESPACE })
      await shaper.rolledOut(NAMESPACE, NAME)
      await nameBoth(shaper)
    },
  },
})
