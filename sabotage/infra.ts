import { defect, sabotage } from '../src/sabotage/sabotage.ts'

sabotage(
  'unsupported-kubernetes',
  {
    breaks: "cert-manager's version is one that does not support this Kubernetes",
    fails: ['infra/kubernetes-version', 'tls/cert-manager-ready'],
  },
  (saboteur) =>
    saboteur.change('apps/v1/Deployment', 'cert-manager', 'cert-manager', {
      metadata: { labels: { 'app.kubernetes.io/version': 'v1.18.0' } },
    }),
)

defect('api-server-without-issuer', {
  breaks: 'the issuer of the API server is not an https URL',
  fails: ['infra/oidc-issuer'],
})

sabotage(
  'workers-cordoned',
  { breaks: 'all worker nodes but one are cordoned', fails: ['infra/nodes-ready'] },
  async (saboteur) => {
    const { items } = await saboteur.api.list('v1/Node', { labels: '!node-role.kubernetes.io/control-plane' })
    for (const node of items.slice(1))
      await saboteur.change('v1/Node', undefined, node.metadata?.name ?? '', { spec: { unschedulable: true } })
  },
)

sabotage(
  'one-zone',
  { breaks: 'all worker nodes are labelled with the same zone', fails: ['infra/nodes-zones'] },
  async (saboteur) => {
    const { items } = await saboteur.api.list('v1/Node', { labels: '!node-role.kubernetes.io/control-plane' })
    for (const node of items)
      await saboteur.change('v1/Node', undefined, node.metadata?.name ?? '', {
        metadata: { labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
      })
  },
)

defect('unbounded-logs', { breaks: 'kubelets do not rotate container logs', fails: ['infra/node-log-rotation'] })

sabotage(
  'metrics-nowhere',
  {
    breaks: 'the APIService of metrics.k8s.io points to a Service that does not exist',
    fails: ['infra/resource-metrics'],
    requires: ['metrics'],
  },
  (saboteur) =>
    saboteur.change('apiregistration.k8s.io/v1/APIService', undefined, 'v1beta1.metrics.k8s.io', {
      spec: { service: { name: 'nowhere' } },
    }),
)

sabotage(
  'pool-unannounced',
  { breaks: "no L2Advertisement announces MetalLB's address pool", fails: ['infra/lb-controller'] },
  async (saboteur) => {
    const { items } = await saboteur.api.list('metallb.io/v1beta1/L2Advertisement')
    for (const { metadata } of items)
      await saboteur.remove('metallb.io/v1beta1/L2Advertisement', metadata?.namespace, metadata?.name ?? '')
  },
)

sabotage(
  'lb-webhook-astray',
  {
    breaks: "the Service of the load balancer controller's webhook selects no pod",
    fails: ['infra/lb-controller-webhook'],
  },
  (saboteur) =>
    saboteur.change('v1/Service', 'metallb-system', 'metallb-webhook-service', {
      spec: { selector: { component: 'nowhere' } },
    }),
)

sabotage(
  'lb-controller-without-rights',
  {
    breaks: 'the load balancer controller is not allowed to update the status of Services',
    fails: ['infra/lb-controller-log'],
    restarts: ['metallb-system/controller'],
  },
  async (saboteur) => {
    const kind = 'rbac.authorization.k8s.io/v1/ClusterRole'
    const { rules } = await saboteur.api.get(kind, 'metallb-system:controller')
    await saboteur.change(kind, undefined, 'metallb-system:controller', {
      rules: (rules as { resources: string[] }[]).filter(({ resources }) => !resources.includes('services/status')),
    })
    await saboteur.make({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'without-address', namespace: 'default' },
      spec: { type: 'LoadBalancer', selector: { app: 'none' }, ports: [{ port: 80 }] },
    })
  },
)
