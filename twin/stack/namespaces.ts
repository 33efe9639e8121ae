import type { KubeObject } from '../api/object.ts'

const NAMESPACES = [
  'default',
  'kube-system',
  'kube-public',
  'metallb-system',
  'cert-manager',
  'istio-system',
  'knative-serving',
  'monitoring',
]

/** A Namespace. */
export const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

/** The namespaces of the cluster and its components. */
export const namespaces = (): KubeObject[] => NAMESPACES.map(namespace)
