import type { KubeObject } from '../api/object.ts'
import { daemonSet, deployment, service } from './deployment.ts'
import type { BalancerLayout } from './layout.ts'
import type { Versions } from './versions.ts'

/** The labels of a part of MetalLB. */
const metallbLabels = ({ labels }: BalancerLayout, component: string): Record<string, string> =>
  labels === 'manifest'
    ? { app: 'metallb', component }
    : {
        'app.kubernetes.io/name': 'metallb',
        'app.kubernetes.io/instance': 'metallb',
        'app.kubernetes.io/component': component,
      }

/** The Service of MetalLB's webhook. */
export const METALLB_WEBHOOK = 'metallb-webhook-service'

function metallb(versions: Versions, layout: BalancerLayout): KubeObject[] {
  const { namespace, controller, speaker } = layout
  const labels = metallbLabels(layout, 'controller')
  return [
    deployment({
      namespace,
      name: controller,
      container: 'controller',
      image: `quay.io/metallb/controller:v${versions.metallb}`,
      labels,
      more: {
        args: ['--port=7472', '--log-level=info'],
        env: [
          { name: 'METALLB_ML_SECRET_NAME', value: 'memberlist' },
          { name: 'METALLB_DEPLOYMENT', value: controller },
        ],
      },
      pod: { serviceAccountName: controller },
    }),
    daemonSet({
      namespace,
      name: speaker,
      container: 'speaker',
      image: `quay.io/metallb/speaker:v${versions.metallb}`,
      labels: metallbLabels(layout, 'speaker'),
      pod: { tolerations: [{ operator: 'Exists' }] },
    }),
    service(namespace, METALLB_WEBHOOK, labels, [['https', 443, 9443]]),
  ]
}

function awsController(): KubeObject[] {
  const labels = { 'app.kubernetes.io/name': 'aws-load-balancer-controller' }
  const name = 'aws-load-balancer-controller'
  return [
    deployment({
      namespace: 'kube-system',
      name,
      image: `public.ecr.aws/eks/${name}:v3.5.0`,
      version: 'v3.5.0',
      labels,
      replicas: 2,
      more: { args: ['--cluster-name=plumbline', '--ingress-class=alb'] },
      pod: { serviceAccountName: name },
    }),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name,
        namespace: 'kube-system',
        annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::000000000000:role/lb-controller' },
      },
    },
    service('kube-system', 'aws-load-balancer-webhook-service', labels, [['https', 443, 9443]]),
  ]
}

/** What makes load balancers; nothing of one that is nobody's. */
export const balancerDeployments = (
  versions: Versions,
  layout: BalancerLayout,
  cloud: 'metallb' | 'aws',
): KubeObject[] => (cloud === 'aws' ? awsController() : layout.maker === 'metallb' ? metallb(versions, layout) : [])
