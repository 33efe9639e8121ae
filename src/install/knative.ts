import type { KubernetesObject } from '../core/object.ts'
import { USUAL_DOMAIN } from '../config/bring-schema.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { readManifest } from '../kube/manifest.ts'
import { allAvailable, applyAll } from './apply-all.ts'
import { deploymentMark, type Component } from './component.ts'
import { readRelease, releases } from './release.ts'

export const knativeServing: Component = {
  name: 'knative-serving',
  after: ['lb-controller'],
  mark: deploymentMark('knative-serving', 'controller'),
  async objects({ config }) {
    const objects = (await readRelease(releases.knativeServing, config)).map((object) => adapt(object, config))
    return [...objects, ...readManifest('knative/budgets.yaml')]
  },
  async install(context) {
    const { api, signal } = context
    const objects = await this.objects(context)
    await applyAll(api, objects, signal)
    await allAvailable(api, objects)
  },
}

// Its Gateways need Istio's CRDs, its settings Knative's webhook.
export const netIstio: Component = {
  name: 'net-istio',
  after: ['istio', 'knative-serving'],
  mark: deploymentMark('knative-serving', 'net-istio-controller'),
  objects: ({ config }) => readRelease(releases.netIstio, config),
  async install({ api, config, signal }) {
    const objects = await readRelease(releases.netIstio, config)
    await applyAll(api, objects, signal)
    await allAvailable(api, objects)
  },
}

/**
 * A release's object as this stack wants it. It is adapted before it is applied, so that applying twice changes
 * nothing: the domain as a key of its own (in _example it has no effect), two pods where Knative's own budgets of 80 %
 * would block every drain of one, metrics on (newer Knative exports none by default), and images that are on the nodes
 * are not looked up at a registry.
 */
export function adapt(object: KubernetesObject, config: StackConfig): KubernetesObject {
  const { kind } = object
  const name = object.metadata?.name ?? ''
  if (kind === 'ConfigMap' && name === 'config-domain') {
    return { ...object, data: { ...object.data, [config.bring.domain ?? USUAL_DOMAIN]: '' } }
  }
  if (kind === 'ConfigMap' && name === 'config-deployment' && config.images.onNodes) {
    const hosts = [...new Set([registryOf(config.images.node), 'kind.local', 'ko.local', 'dev.local'])]
    return { ...object, data: { ...object.data, 'registries-skipping-tag-resolving': hosts.join(',') } }
  }
  if (kind === 'ConfigMap' && name === 'config-observability') {
    return {
      ...object,
      data: { ...object.data, 'metrics-protocol': 'prometheus', 'request-metrics-protocol': 'prometheus' },
    }
  }
  if (kind === 'HorizontalPodAutoscaler' && /^(activator|webhook)$/.test(name)) {
    return { ...object, spec: { ...object.spec, minReplicas: 2 } }
  }
  if (kind === 'PodDisruptionBudget' && /^(activator|webhook)-pdb$/.test(name)) {
    return { ...object, spec: { ...object.spec, minAvailable: 1 } }
  }
  return object
}

/** The registry's host in an image's name, as Knative compares it: Docker Hub's own name is index.docker.io. */
export function registryOf(image: string): string {
  const first = image.split('/')[0] ?? ''
  const host = image.includes('/') && /[.:]/.test(first) ? first : 'docker.io'
  return host === 'docker.io' ? 'index.docker.io' : host
}
