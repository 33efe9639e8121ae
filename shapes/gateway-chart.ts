import { shape, type Make } from '../src/shapes/shape.ts'

const [NAMESPACE, NAME] = ['istio-ingress', 'istio-ingress']
const GATEWAY = 'networking.istio.io/v1/Gateway'

/** Installs the chart's gateway in place of the one that is there, and has Knative use it. */
const replaceGateway: Make = async (shaper) => {
  await shaper.namespace(NAMESPACE)
  await shaper.install({
    chart: 'gateway',
    name: NAME,
    namespace: NAMESPACE,
    values: { autoscaling: { minReplicas: 3 } },
  })
  await shaper.rolledOut(NAMESPACE, NAME)
  const { spec } = await shaper.api.get('v1/Service', 'knative-local-gateway', 'istio-system')
  await shaper.make({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'knative-local-gateway',
      namespace: NAMESPACE,
      labels: { 'experimental.istio.io/disable-gateway-port-translation': 'true' },
    },
    spec: {
      selector: { istio: 'ingress' },
      ports: ((spec?.ports ?? []) as Record<string, unknown>[]).map(({ name, port, targetPort }) => ({
        name,
        port,
        targetPort,
      })),
    },
  })
  for (const name of ['knative-ingress-gateway', 'knative-local-gateway'])
    await shaper.change(GATEWAY, 'knative-serving', name, { spec: { selector: { istio: 'ingress' } } })
  const list = (name: string, service: string) =>
    JSON.stringify([{ name, namespace: 'knative-serving', service: `${service}.${NAMESPACE}.svc.cluster.local` }])
  await shaper.change('v1/ConfigMap', 'knative-serving', 'config-istio', {
    data: {
      'external-gateways': list('knative-ingress-gateway', NAME),
      'local-gateways': list('knative-local-gateway', 'knative-local-gateway'),
    },
  })
  await shaper.remove('v1/Service', 'istio-system', 'istio-ingressgateway')
  await shaper.remove('apps/v1/Deployment', 'istio-system', 'istio-ingressgateway')
}

shape('gateway-chart', {
  healthy: "the gateway is a release of Istio's own chart in namespace istio-ingress, whose pods listen on 80 and 443",
  onTwin: {
    layout: {
      gateways: [
        {
          ...{ namespace: NAMESPACE, name: NAME, labels: { app: NAME, istio: 'ingress' }, injected: true },
          ports: [
            ['status-port', 15021, 15021],
            ['http2', 80, 80],
            ['https', 443, 443],
          ],
        },
      ],
    },
  },
  onKind: { charts: ['gateway'], make: replaceGateway },
})
