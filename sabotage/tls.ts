import { makeAuthority } from '../src/tls/authority.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { denying } from './denying.ts'

sabotage(
  'cainjector-gone',
  { breaks: "cert-manager's cainjector has no pod", fails: ['tls/cert-manager-ready'] },
  (saboteur) => saboteur.scale('cert-manager', 'cert-manager-cainjector', 0),
)

sabotage(
  'issuers-look-elsewhere',
  {
    breaks: 'cert-manager looks for the secrets of ClusterIssuers in another namespace',
    fails: ['tls/issuer-ready'],
  },
  async (saboteur) => {
    const [namespace, name] = ['cert-manager', 'cert-manager']
    const { spec } = await saboteur.api.get('apps/v1/Deployment', name, namespace)
    const [container, ...others] = spec.template.spec.containers as { args?: string[] }[]
    const kept = (container?.args ?? []).filter((arg) => !arg.startsWith('--cluster-resource-namespace'))
    const args = [...kept, '--cluster-resource-namespace=default']
    await saboteur.change('apps/v1/Deployment', namespace, name, {
      spec: { template: { spec: { containers: [{ ...container, args }, ...others] } } },
    })
    await saboteur.rolledOut(namespace, name)
  },
)

defect('certificates-unnamed', {
  breaks: 'cert-manager leaves names out of certificates',
  fails: ['tls/certificate-issued'],
})

sabotage(
  'site-denied',
  { breaks: 'a policy of the gateway denies sites over TLS', fails: ['tls/gateway-serves'] },
  (saboteur) => saboteur.make(denying('site-denied', { hosts: ['site.*'], ports: ['8443'] })),
)

sabotage(
  'redirect-denied',
  { breaks: 'a policy of the gateway denies sites in plain HTTP', fails: ['tls/http-redirected'] },
  (saboteur) => saboteur.make(denying('redirect-denied', { hosts: ['site.*'], ports: ['8080'] })),
)

interface Webhook {
  clientConfig: { service?: { path?: string } }
}

/** A secret of an authority's own certificate beside the gateway, and a Gateway that shows it. */
async function shownCertificate(name: string, hosts: string[]) {
  const { cert, key } = await makeAuthority(name)
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'istio-system' },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': cert, 'tls.key': key },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name, namespace: 'istio-system' },
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [
          {
            port: { number: 443, name: 'https', protocol: 'HTTPS' },
            hosts,
            tls: { mode: 'SIMPLE', credentialName: name },
          },
        ],
      },
    },
  ]
}

sabotage(
  'certificate-ends',
  {
    breaks: 'a Gateway shows a certificate to every name, which ends tomorrow and nobody renews',
    fails: ['tls/none-expiring', 'tls/sni-needed'],
  },
  async (saboteur) => {
    for (const object of await shownCertificate('certificate-ends', ['*'])) await saboteur.make(object)
  },
)

defect('tickets-useless', {
  breaks: 'the gateway resumes no session by a ticket',
  fails: ['tls/session-resumption'],
})

defect('secrets-dropped-at-once', {
  breaks: 'the gateway has no certificate while its secret is gone',
  fails: ['tls/reissued-on-delete'],
})

defect('certificates-stay', {
  breaks: 'the gateway goes on with the certificate that it had first',
  fails: ['tls/reissued-on-delete', 'tls/renewed'],
})

sabotage(
  'alert-too-early',
  {
    breaks: 'the alert about certificates fires at thirty days, as the guide has it',
    fails: ['tls/expiry-alert'],
    requires: ['prometheus'],
    restarts: ['monitoring/prometheus'],
  },
  async (saboteur) => {
    const { data } = await saboteur.api.get('v1/ConfigMap', 'prometheus-rules', 'monitoring')
    const rules = String(data?.['rules.yaml']).replace('86400 * 21', '86400 * 30')
    await saboteur.change('v1/ConfigMap', 'monitoring', 'prometheus-rules', { data: { 'rules.yaml': rules } })
  },
)

defect('cert-manager-unscraped', {
  breaks: 'Prometheus does not scrape cert-manager: the alert about certificates can never fire',
  fails: ['tls/expiry-alert'],
  requires: ['prometheus'],
})

sabotage(
  'secured-denied',
  {
    breaks: 'a policy of the gateway denies what has a certificate of Knative',
    fails: ['tls/knative-external-domain'],
  },
  (saboteur) => saboteur.make(denying('secured-denied', { hosts: ['secured.*'] })),
)

sabotage(
  'sidecars-not-injected',
  {
    breaks: "istiod's webhook is asked about no namespace",
    fails: ['tls/workload-identity', 'tls/mtls-strict'],
  },
  async (saboteur) => {
    const kind = 'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration'
    const { items } = await saboteur.api.list(kind)
    // Newer Istio injects by istio-revision-tag-default, and keeps istio-sidecar-injector beside it.
    const injects = (webhook: Webhook) => webhook.clientConfig.service?.path?.startsWith('/inject')
    for (const { metadata, webhooks } of items.filter(({ webhooks = [] }) => (webhooks as Webhook[]).some(injects)))
      await saboteur.change(kind, undefined, metadata?.name ?? '', {
        webhooks: (webhooks as Webhook[]).map((webhook) => ({
          ...webhook,
          namespaceSelector: { matchLabels: { 'plumbline.dev/nobody': 'true' } },
        })),
      })
  },
)

defect('strict-not-enforced', {
  breaks: 'sidecars take plain text whatever PeerAuthentication says',
  fails: ['tls/mtls-strict'],
})

defect('permissive-refuses', {
  breaks: "a namespace's PERMISSIVE does not win over the mesh's STRICT",
  fails: ['tls/mtls-permissive'],
})

sabotage(
  'acme-without-dns',
  { breaks: 'the ACME issuer has no solver by DNS-01', fails: ['tls/acme-dns01'], requires: ['acme'] },
  (saboteur) =>
    saboteur.change('cert-manager.io/v1/ClusterIssuer', undefined, saboteur.config.acme?.issuer ?? '', {
      spec: { acme: { solvers: [{ http01: { ingress: { ingressClassName: 'istio' } } }] } },
    }),
)
