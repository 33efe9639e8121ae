import type { KubeObject } from '../api/object.ts'
import type { Layout } from './layout.ts'

const deployment = (name: string, image: string, port: number): KubeObject[] => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'monitoring', labels: { app: name } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            { name, image, ports: [{ containerPort: port }], resources: { requests: { cpu: '10m', memory: '32Mi' } } },
          ],
        },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'monitoring' },
    spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort: port }] },
  },
]

const RULES = `groups:
  - name: certificates
    rules:
      - alert: CertificateExpiringSoon
        expr: certmanager_certificate_expiration_timestamp_seconds - time() < 86400 * 21
        for: 5m
`

/** Prometheus with the rule about certificates, Loki, and a collector on every node. */
export const monitoring = (): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'prometheus-rules', namespace: 'monitoring' },
    data: { 'rules.yaml': RULES },
  },
  ...deployment('prometheus', 'docker.io/prom/prometheus:v3.7.0', 9090),
  ...deployment('loki', 'docker.io/grafana/loki:3.5.0', 3100),
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'collector', namespace: 'monitoring', labels: { app: 'collector' } },
    spec: {
      selector: { matchLabels: { app: 'collector' } },
      template: {
        metadata: { labels: { app: 'collector' } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'collector', image: 'docker.io/grafana/alloy:v1.11.0' }],
        },
      },
    },
  },
]

/** Issuers: one of a CA, with a Certificate of it that stands beside the gateway, and one of ACME by DNS-01. */
export function issuers(ca: { cert: string; key: string }, domain: string, layout: Layout): KubeObject[] {
  const encode = (text: string) => Buffer.from(text).toString('base64')
  const api = 'cert-manager.io/v1'
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'twin-ca', namespace: layout.certManager.namespace },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encode(ca.cert), 'tls.key': encode(ca.key) },
    },
    { apiVersion: api, kind: 'ClusterIssuer', metadata: { name: 'twin-ca' }, spec: { ca: { secretName: 'twin-ca' } } },
    {
      apiVersion: api,
      kind: 'Certificate',
      metadata: { name: 'wildcard', namespace: layout.gateways[0]!.namespace },
      spec: {
        secretName: 'wildcard',
        dnsNames: [`*.${domain}`],
        issuerRef: { kind: 'ClusterIssuer', name: 'twin-ca' },
        privateKey: { algorithm: 'ECDSA' },
      },
    },
    {
      apiVersion: api,
      kind: 'ClusterIssuer',
      metadata: { name: 'acme' },
      spec: {
        acme: {
          server: 'https://acme.twin.test/directory',
          email: `admin@${domain}`,
          privateKeySecretRef: { name: 'acme-account' },
          solvers: [{ dns01: { route53: { region: 'eu-central-1' } } }],
        },
      },
    },
  ]
}
