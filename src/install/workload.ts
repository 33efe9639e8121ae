import type { KubernetesObject } from '../core/object.ts'
import { readFixture, readManifest } from '../kube/manifest.ts'
import { allTrue, until } from '../kube/until.ts'
import { applyPatiently } from './apply-all.ts'
import type { Component } from './component.ts'

const NAMESPACE = 'plumbline'
const OWN = { 'app.kubernetes.io/managed-by': 'plumbline' }

/** The workload as a Knative Service that stays, to look at: hello.plumbline.DOMAIN. One pod of it always runs. */
export const workload: Component = {
  name: 'workload',
  after: ['metallb', 'net-istio'],
  mark: { kind: 'serving.knative.dev/v1/Service', namespace: NAMESPACE, name: 'hello' },
  objects({ config }) {
    const values = {
      namespace: NAMESPACE,
      name: 'hello',
      nodeImage: config.images.node,
      program: JSON.stringify(readFixture('app/server.mjs')),
    }
    const objects: KubernetesObject[] = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: OWN } },
      ...readManifest('app/configmap.yaml', values),
      ...readManifest('knative/service.yaml', values),
      ...readManifest('chaos/budget.yaml', values),
    ]
    for (const object of objects) {
      if (object.kind === 'Service') {
        object.spec.template.metadata.annotations = { 'autoscaling.knative.dev/min-scale': '1' }
        // Knative copies it to the Route: so a check knows that nobody else's traffic goes there.
        object.metadata = { ...object.metadata, labels: { ...object.metadata?.labels, ...OWN } }
      }
    }
    return Promise.resolve(objects)
  },
  async install(context) {
    for (const object of await this.objects(context)) await applyPatiently(context.api, object, context.signal)
    await until(context.api, this.mark, allTrue('Ready'), 'componentAvailable')
  },
}
