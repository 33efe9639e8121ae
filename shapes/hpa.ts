import { byApi, shape } from '../src/shapes/shape.ts'

const SCALED = [
  ['istio-system', 'istio-ingressgateway', 3, 9],
  ['knative-serving', 'activator', 2, 20],
  ['knative-serving', 'webhook', 2, 5],
] as const

shape('hpa', {
  healthy: 'HorizontalPodAutoscalers scale the gateway, the activator and the webhook',
  ...byApi(async (shaper) => {
    for (const [namespace, name, minReplicas, maxReplicas] of SCALED)
      await shaper.make({
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name, namespace },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          minReplicas,
          maxReplicas,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
          ],
        },
      })
  }),
})
