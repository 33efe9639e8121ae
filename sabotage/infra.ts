import { makerFacts } from '../src/cloud/makers.ts'
import { servedKind } from '../src/cluster/served.ts'
import { partOf } from '../src/sabotage/parts.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { theLoadBalancer } from '../src/survey/surveyed.ts'
import { workloadId } from '../src/survey/workload-id.ts'

const CLUSTER_ROLE = 'rbac.authorization.k8s.io/v1/ClusterRole'

interface Webhook {
  name: string
  clientConfig: { service: { namespace: string; name: string } }
}

/** The names of the ClusterRoles that a ServiceAccount is bound to. */
async function clusterRolesOf(saboteur: Saboteur, namespace: string, account: string): Promise<string[]> {
  const { items } = await saboteur.api.list('rbac.authorization.k8s.io/v1/ClusterRoleBinding')
  return items
    .filter(({ subjects = [] }) =>
      (subjects as { kind: string; name: string; namespace?: string }[]).some(
        (each) => each.kind === 'ServiceAccount' && each.name === account && each.namespace === namespace,
      ),
    )
    .map(({ roleRef }) => String(roleRef.name))
}

sabotage(
  'unsupported-kubernetes',
  {
    breaks: "cert-manager's version is one that does not support this Kubernetes",
    fails: ['infra/kubernetes-version', 'tls/cert-manager-ready'],
  },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'cert-manager/controller'))
    const metadata = { labels: { 'app.kubernetes.io/version': 'v1.18.0' } }
    await saboteur.change(kind, namespace, name, { metadata })
  },
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
    const kind = await servedKind(saboteur, 'metallb.io/L2Advertisement')
    const { items } = await saboteur.api.list(kind)
    for (const { metadata } of items) await saboteur.remove(kind, metadata?.namespace, metadata?.name ?? '')
  },
)

sabotage(
  'lb-webhook-astray',
  {
    breaks: "the Service of the load balancer controller's webhook selects no pod",
    fails: ['infra/lb-controller-webhook'],
  },
  async (saboteur) => {
    const pattern = makerFacts((await theLoadBalancer(saboteur)).maker).webhooks!
    const kind = 'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration'
    const webhooks = (await saboteur.api.list(kind)).items.flatMap((each) => (each.webhooks ?? []) as Webhook[])
    const { service } = webhooks.find(({ name }) => pattern.test(name))!.clientConfig
    await saboteur.change('v1/Service', service.namespace, service.name, {
      spec: { selector: { component: 'nowhere' } },
    })
  },
)

sabotage(
  'lb-controller-without-rights',
  {
    breaks: 'the load balancer controller is not allowed to update the status of Services',
    fails: ['infra/lb-controller-log'],
    restarts: ['balancer'],
  },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'balancer'))
    const { spec } = await saboteur.api.get(kind, name, namespace)
    const account = String(spec.template.spec.serviceAccountName)
    for (const role of await clusterRolesOf(saboteur, namespace ?? '', account)) {
      const { rules } = await saboteur.api.get(CLUSTER_ROLE, role)
      await saboteur.change(CLUSTER_ROLE, undefined, role, {
        rules: (rules as { resources: string[] }[]).filter(({ resources }) => !resources.includes('services/status')),
      })
    }
    await saboteur.make({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'without-address', namespace: 'default' },
      spec: { type: 'LoadBalancer', selector: { app: 'none' }, ports: [{ port: 80 }] },
    })
  },
)
