import type { KubeObject } from '../api/object.ts'
import { balancerRole, type BalancerLayout } from './layout.ts'

const rbac = (kind: string, name: string, more: object): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name },
  ...more,
})
const everything = { apiGroups: ['*'], resources: ['*'] }

/** The ClusterRoles that every cluster has, and MetalLB's. */
export function clusterRoles(balancer: BalancerLayout): KubeObject[] {
  const name = balancerRole(balancer)
  const role = (name: string, verbs: string[], more: object = everything) =>
    rbac('ClusterRole', name, { rules: [{ ...more, verbs }] })
  return [
    role('cluster-admin', ['*']),
    role('admin', ['*']),
    role('edit', ['*']),
    role('view', ['get', 'list', 'watch'], {
      apiGroups: ['*'],
      resources: [
        'pods',
        'pods/log',
        'services',
        'deployments',
        'replicasets',
        'endpoints',
        'endpointslices',
        'configmaps',
        'events',
        'namespaces',
      ],
    }),
    rbac('ClusterRoleBinding', 'cluster-admin', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'Group', name: 'system:masters' }],
    }),
    rbac('ClusterRole', name, {
      rules: [
        { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['services/status'], verbs: ['update'] },
      ],
    }),
    rbac('ClusterRoleBinding', name, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: balancer.controller, namespace: balancer.namespace }],
    }),
  ]
}
