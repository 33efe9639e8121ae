import { byApi, shape } from '../src/shapes/shape.ts'

const LABELS = { app: 'precious' }

shape('tenants-budget', {
  healthy: 'a tenant has one pod, and a budget that never allows its disruption',
  ...byApi(async (shaper) => {
    await shaper.namespace('team-a')
    await shaper.make({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'precious', namespace: 'team-a' },
      spec: {
        replicas: 1,
        selector: { matchLabels: LABELS },
        template: {
          metadata: { labels: LABELS },
          spec: { containers: [{ name: 'nginx', image: shaper.config.images.nginx, imagePullPolicy: 'IfNotPresent' }] },
        },
      },
    })
    await shaper.make({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'precious', namespace: 'team-a' },
      spec: { minAvailable: 1, selector: { matchLabels: LABELS } },
    })
    await shaper.rolledOut('team-a', 'precious')
  }),
})
