import type { KubeObject } from '../api/object.ts'
import { namespacesOf, type Layout } from './layout.ts'

/** A Namespace. */
export const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

/** The namespaces of the cluster and its components. */
export const namespaces = (layout: Layout): KubeObject[] =>
  ['default', 'kube-system', 'kube-public', ...namespacesOf(layout), 'monitoring'].map(namespace)
