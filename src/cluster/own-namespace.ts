import { RUN_LABEL } from '../config/run-info.ts'
import type { KubernetesObject } from '../core/object.ts'
import { UsageProblem } from '../core/problem.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { valueOr } from '../survey/fact.ts'
import type { Labels, Survey } from '../survey/survey.ts'
import type { Ours } from './ours.ts'

/** A namespace of a run, with the labels that it needs besides those by which the run finds it. */
export const namespaceObject = (name: string, run: string, ours: Ours, labels: Labels): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name,
    labels: { ...labels, [RUN_LABEL]: run, 'app.kubernetes.io/managed-by': 'plumbline' },
    annotations: { ...ours.annotations, ...ours.namespaceAnnotations },
  },
})

/**
 * The labels of a namespace of ours: those of stack.yaml, those by which istiod takes notice of it, and those that keep
 * the mesh out of it where every namespace is taken in unasked. `asked` is what its check wants.
 */
export function namespaceLabels(ours: Ours, survey: Survey, asked: Labels): Labels {
  const { namespaceLabels: discovered } = valueOr(survey.admission, { namespaceLabels: {} })
  const ambient = valueOr(survey.ambient, undefined)?.ztunnel
  const injectedUnasked = valueOr(survey.injection, { byDefault: false }).byDefault
  const asksForMesh = Object.keys(asked).some((label) => MESH_LABELS.includes(label))
  return {
    ...(ambient && !asksForMesh ? { 'istio.io/dataplane-mode': 'none' } : {}),
    ...(injectedUnasked && !asksForMesh ? { 'istio-injection': 'disabled' } : {}),
    ...discovered,
    ...ours.labels,
    ...ours.namespaceLabels,
    ...asked,
  }
}

/** The labels by which a namespace asks for sidecars, or for ambient. */
const MESH_LABELS = ['istio-injection', 'istio.io/rev', 'istio.io/dataplane-mode']

/**
 * Copies of the pull Secrets of stack.yaml, for a namespace of ours.
 * @throws UsageProblem where one does not exist
 */
export function pullSecretsFor(k8s: Kubernetes, { pullSecrets }: Ours, to: string): Promise<KubernetesObject[]> {
  return Promise.all(
    pullSecrets.map(async (secret) => {
      const [namespace = '', name = ''] = secret.split('/')
      const original = await k8s.find('v1/Secret', name, namespace)
      if (!original) throw new UsageProblem(`stack.yaml, ours.pullSecrets: Secret ${secret} does not exist.`)
      const { type, data } = original
      return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: to }, type, data }
    }),
  )
}
