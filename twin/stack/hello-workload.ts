import type { KubeObject } from '../api/object.ts'
import { budget } from './deployment.ts'
import { namespace } from './namespaces.ts'

/** The workload as a Knative Service that is always there, to look at; `program` is the source of its server. */
export function helloWorkload(program: string): KubeObject[] {
  return [
    namespace('plumbline'),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'app', namespace: 'plumbline' },
      data: { 'server.mjs': program },
    },
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      // As `up` labels it: what is ours by that label nobody else sends requests to.
      metadata: {
        name: 'hello',
        namespace: 'plumbline',
        labels: { 'app.kubernetes.io/managed-by': 'plumbline' },
      },
      spec: {
        template: {
          metadata: { annotations: { 'autoscaling.knative.dev/min-scale': '1' } },
          spec: {
            containerConcurrency: 0,
            timeoutSeconds: 300,
            containers: [
              {
                name: 'user-container',
                image: 'docker.io/library/node:24-alpine',
                command: ['node', '/app/server.mjs'],
                env: [{ name: 'TARGET', value: 'Knative on EKS' }],
                ports: [{ containerPort: 8080 }],
                readinessProbe: {
                  httpGet: { path: '/', port: 0 },
                  periodSeconds: 1,
                  failureThreshold: 3,
                  successThreshold: 1,
                  timeoutSeconds: 1,
                },
                resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
                volumeMounts: [{ name: 'app', mountPath: '/app', readOnly: true }],
              },
            ],
            volumes: [{ name: 'app', configMap: { name: 'app' } }],
          },
        },
        traffic: [{ latestRevision: true, percent: 100 }],
      },
    },
    budget('plumbline', 'hello', { maxUnavailable: 1 }, { 'serving.knative.dev/service': 'hello' }),
  ]
}
