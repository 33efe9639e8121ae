import { makeAuthority } from '../src/tls/authority.ts'
import { servedApi } from '../src/cluster/served.ts'
import { idsOf, partOf } from '../src/sabotage/parts.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { theGateway } from '../src/survey/surveyed.ts'
import { httpPortOf, httpsPortOf } from '../src/survey/traffic-ports.ts'
import { workloadId } from '../src/survey/workload-id.ts'
import { deny } from './denying.ts'

sabotage(
  'cainjector-gone',
  { breaks: 'the cainjector of cert-manager has no pod', fails: ['tls/cert-manager-ready'] },
  async (saboteur) => saboteur.scale(await partOf(saboteur, 'cert-manager/cainjector'), 0),
)

sabotage(
  'issuers-not-judged',
  {
    breaks: 'cert-manager runs without its controller of ClusterIssuers',
    fails: ['tls/issuer-ready'],
  },
  async (saboteur) => {
    const controller = await partOf(saboteur, 'cert-manager/controller')
    const { kind, namespace, name } = workloadId(controller)
    const { spec } = await saboteur.api.get(kind, name, namespace)
    const [container, ...others] = spec.template.spec.containers as { args?: string[] }[]
    const args = [...(container?.args ?? []), '--controllers=*,-clusterissuers']
    await saboteur.change(kind, namespace, name, {
      spec: { template: { spec: { containers: [{ ...container, args }, ...others] } } },
    })
    await saboteur.rolledOut(controller)
  },
)

defect('certificates-unnamed', {
  breaks: 'cert-manager issues certificates with the first name only',
  fails: ['tls/certificate-issued'],
})

sabotage(
  'site-denied',
  { breaks: 'an AuthorizationPolicy of the gateway denies HTTPS requests to sites', fails: ['tls/gateway-serves'] },
  async (saboteur) => {
    const target = httpsPortOf(await theGateway(saboteur))?.target
    await deny(saboteur, 'site-denied', { hosts: ['site.*'], ports: [String(target)] })
  },
)

sabotage(
  'redirect-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies plain HTTP requests to sites',
    fails: ['tls/http-redirected'],
  },
  async (saboteur) => {
    const target = httpPortOf(await theGateway(saboteur))?.target
    await deny(saboteur, 'redirect-denied', { hosts: ['site.*'], ports: [String(target)] })
  },
)

interface Webhook {
  clientConfig: { service?: { path?: string } }
}

/** A Secret with a self-signed certificate where the gateway looks for it, and a Gateway that serves it to hosts. */
async function gatewayWithCertificate(saboteur: Saboteur, name: string, hosts: string[]) {
  const { cert, key } = await makeAuthority(name)
  const gateway = await theGateway(saboteur)
  const namespace = gateway.credentialNamespace
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': cert, 'tls.key': key },
    },
    {
      apiVersion: await servedApi(saboteur, 'networking.istio.io/Gateway'),
      kind: 'Gateway',
      metadata: { name, namespace },
      spec: {
        selector: gateway.labels,
        servers: [
          {
            port: { number: httpsPortOf(gateway)?.port, name: 'https', protocol: 'HTTPS' },
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
    breaks: 'a Gateway serves every name a certificate that expires tomorrow and is not renewed',
    fails: ['tls/none-expiring', 'tls/sni-needed'],
  },
  async (saboteur) => {
    for (const object of await gatewayWithCertificate(saboteur, 'certificate-ends', ['*'])) await saboteur.make(object)
  },
)

defect('tickets-useless', {
  breaks: 'the gateway does not resume TLS sessions',
  fails: ['tls/session-resumption'],
})

defect('secrets-dropped-at-once', {
  breaks: 'the gateway stops serving a certificate as soon as its Secret is deleted',
  fails: ['tls/reissued-on-delete'],
})

defect('certificates-stay', {
  breaks: 'the gateway keeps serving the first certificate that it had',
  fails: ['tls/reissued-on-delete', 'tls/renewed'],
})

sabotage(
  'alert-too-early',
  {
    breaks: 'the alert on expiring certificates fires 30 days before the end, as the guide has it',
    fails: ['tls/expiry-alert'],
    requires: ['prometheus'],
    restarts: ['prometheus'],
  },
  async (saboteur) => {
    const [prometheus] = await idsOf(saboteur, ['prometheus'])
    const { data } = await saboteur.api.get('v1/ConfigMap', 'prometheus-rules', prometheus?.namespace)
    const rules = String(data?.['rules.yaml']).replace('86400 * 21', '86400 * 30')
    await saboteur.change('v1/ConfigMap', prometheus?.namespace, 'prometheus-rules', { data: { 'rules.yaml': rules } })
  },
)

defect('cert-manager-unscraped', {
  breaks: 'Prometheus does not scrape cert-manager, so the alert on expiring certificates can never fire',
  fails: ['tls/expiry-alert'],
  requires: ['prometheus'],
})

sabotage(
  'secured-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the host whose certificate Knative asked for',
    fails: ['tls/knative-external-domain'],
  },
  (saboteur) => deny(saboteur, 'secured-denied', { hosts: ['secured.*'] }),
)

sabotage(
  'sidecars-not-injected',
  {
    breaks: "istiod's webhook for sidecar injection selects no namespace",
    fails: ['tls/workload-identity', 'tls/mtls-strict'],
  },
  async (saboteur) => {
    const kind = 'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration'
    const { items } = await saboteur.api.list(kind)
    // Newer Istio has istio-revision-tag-default beside istio-sidecar-injector.
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
  breaks: 'sidecars accept plain text whatever PeerAuthentication says',
  fails: ['tls/mtls-strict'],
})

defect('permissive-refuses', {
  breaks: 'PERMISSIVE in a namespace does not override STRICT of the mesh',
  fails: ['tls/mtls-permissive'],
})

sabotage(
  'acme-without-dns',
  { breaks: 'the ACME issuer has no DNS-01 solver', fails: ['tls/acme-dns01'], requires: ['acme'] },
  (saboteur) =>
    saboteur.change('cert-manager.io/v1/ClusterIssuer', undefined, saboteur.config.acme?.issuer ?? '', {
      spec: { acme: { solvers: [{ http01: { ingress: { ingressClassName: 'istio' } } }] } },
    }),
)
