import type { StackConfig } from '../config/stack-schema.ts'
import { RUN_LABEL } from '../config/run-info.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Labels } from './survey.ts'

/** The name of the objects that are created only to see what admission says of them; none of them is stored. */
const NAME = 'plumb-survey'

const RESOURCES = { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '1', memory: '128Mi' } }

const podSpec = ({ images }: StackConfig) => ({
  terminationGracePeriodSeconds: 1,
  containers: [
    {
      name: 'app',
      image: images.node,
      imagePullPolicy: 'IfNotPresent',
      command: ['node', '/app/server.mjs'],
      ports: [{ containerPort: 8080 }],
      resources: RESOURCES,
      securityContext: {
        allowPrivilegeEscalation: false,
        runAsNonRoot: true,
        runAsUser: 1000,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  ],
})

/** A namespace as Plumbline makes them. */
export const namespaceSample = (labels: Labels): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: NAME, labels: { [RUN_LABEL]: 'survey', 'app.kubernetes.io/managed-by': 'plumbline', ...labels } },
})

/** Where samples are to be created, as what, and in which API versions. */
interface SampleOptions {
  namespace: string
  config: StackConfig
  labels: Labels
  served: Readonly<Record<string, string>>
}

/** One object of each kind that fixtures have, as far as the cluster serves it. */
export function samples({ namespace, config, labels, served }: SampleOptions): KubernetesObject[] {
  const metadata = { name: NAME, namespace, labels: { [RUN_LABEL]: 'survey', ...labels } }
  const pod = podSpec(config)
  const app = { app: NAME }
  const istio = (kind: string, group: string, spec: object): KubernetesObject[] => {
    const version = served[`${group}/${kind}`]
    return version ? [{ apiVersion: `${group}/${version}`, kind, metadata, spec }] : []
  }
  const host = `${NAME}.example.com`
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels: { ...metadata.labels, ...app } }, spec: pod },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: app }, template: { metadata: { labels: app }, spec: pod } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: app, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata,
      spec: { template: { spec: { containers: [{ image: config.images.node, ports: [{ containerPort: 8080 }] }] } } },
    },
    ...istio('Gateway', 'networking.istio.io', {
      selector: app,
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [host] }],
    }),
    ...istio('VirtualService', 'networking.istio.io', {
      hosts: [host],
      http: [{ route: [{ destination: { host: NAME } }] }],
    }),
    ...istio('DestinationRule', 'networking.istio.io', { host: NAME }),
    ...istio('PeerAuthentication', 'security.istio.io', { mtls: { mode: 'PERMISSIVE' } }),
    ...istio('Certificate', 'cert-manager.io', {
      secretName: NAME,
      dnsNames: [host],
      issuerRef: { name: NAME, kind: 'Issuer' },
    }),
  ]
}
