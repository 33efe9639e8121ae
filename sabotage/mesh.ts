import { connectionManager } from './envoy-filter.ts'
import { denying } from './denying.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'

const GATEWAY = ['v1/Service', 'istio-system', 'istio-ingressgateway'] as const

sabotage(
  'istiod-gone',
  {
    breaks: 'istiod has no pod',
    fails: ['mesh/version', 'mesh/pods-running', 'infra/kubernetes-version', 'knative/hello-ready'],
  },
  (saboteur) => saboteur.scale('istio-system', 'istiod', 0),
)

sabotage(
  'telemetry-crd-gone',
  { breaks: "the CRD of Istio's Telemetry is missing", fails: ['mesh/crds'] },
  (saboteur) =>
    saboteur.remove('apiextensions.k8s.io/v1/CustomResourceDefinition', undefined, 'telemetries.telemetry.istio.io'),
)

sabotage(
  'pod-without-image',
  { breaks: 'the image of a new pod of istiod cannot be pulled', fails: ['mesh/pods-running'] },
  async (saboteur) => {
    const [kind, namespace, name] = ['apps/v1/Deployment', 'istio-system', 'istiod'] as const
    const { spec } = await saboteur.api.get(kind, name, namespace)
    const containers = (spec?.template?.spec?.containers ?? []) as object[]
    const without = containers.map((container) => ({ ...container, image: 'registry.invalid/none:1' }))
    await saboteur.change(kind, namespace, name, { spec: { template: { spec: { containers: without } } } })
  },
)

sabotage(
  'envoy-rejects',
  {
    breaks: 'an EnvoyFilter has a value that Envoy rejects, so the gateways keep their old listener and access logs',
    fails: ['mesh/proxies-synced', 'logs/istiod', 'logs/telemetry-filter'],
    afterwards: ['istio-system/istiod'],
  },
  (saboteur) => saboteur.make(connectionManager('rejected', { max_request_headers_kb: 99999 }, 8080)),
)

sabotage(
  'mixer-crd-left',
  { breaks: 'a CRD of Mixer is left in the cluster', fails: ['mesh/telemetry-component-gone'] },
  (saboteur) =>
    saboteur.make({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'handlers.config.istio.io' },
      spec: {
        group: 'config.istio.io',
        scope: 'Namespaced',
        names: { kind: 'handler', plural: 'handlers', singular: 'handler', listKind: 'handlerList' },
        versions: [
          {
            name: 'v1alpha2',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    }),
)

defect('istioctl-lenient', {
  breaks: 'istioctl accepts fields that it does not know',
  fails: ['mesh/install-values'],
})

// What is in a tenant's namespace is a remark.
const virtualService = (name: string, gateways: string[], hosts: string[], status = 200) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'istio-system' },
  spec: { gateways, hosts, http: [{ directResponse: { status, body: { string: 'sabotage' } } }] },
})

sabotage(
  'gateway-unknown',
  { breaks: 'a VirtualService names a Gateway that does not exist', fails: ['mesh/analyze-clean'] },
  (saboteur) => saboteur.make(virtualService('astray', ['istio-system/nowhere'], ['astray.example.com'])),
)

sabotage(
  'host-claimed-twice',
  { breaks: 'two VirtualServices want the same requests on a gateway', fails: ['mesh/route-conflicts'] },
  async (saboteur) => {
    for (const name of ['first', 'second'])
      await saboteur.make(virtualService(name, ['knative-serving/knative-ingress-gateway'], ['twice.example.com']))
  },
)

sabotage(
  'everything-routed',
  {
    breaks: 'a VirtualService answers for every host',
    fails: ['mesh/no-endpoints-503', 'knative/unknown-host-404'],
  },
  (saboteur) => saboteur.make(virtualService('everything', ['knative-serving/knative-ingress-gateway'], ['*'])),
)

sabotage(
  'two-telemetries',
  {
    breaks: 'a namespace of the stack has two Telemetry resources without a selector',
    fails: ['mesh/telemetry-one-per-namespace', 'mesh/analyze-clean'],
  },
  async (saboteur) => {
    for (const name of ['one', 'other'])
      await saboteur.make({
        apiVersion: 'telemetry.istio.io/v1',
        kind: 'Telemetry',
        metadata: { name, namespace: 'cert-manager' },
        spec: { accessLogging: [{ providers: [{ name: 'envoy' }] }] },
      })
  },
)

sabotage(
  'gateway-inside-only',
  { breaks: "the gateway's Service is of type ClusterIP", fails: ['mesh/gateway-service-type'] },
  (saboteur) => saboteur.change(...GATEWAY, { spec: { type: 'ClusterIP' } }),
)

sabotage(
  'status-port-dropped',
  { breaks: "the gateway's Service has no port 15021", fails: ['mesh/gateway-ports'] },
  async (saboteur) => {
    const service = await saboteur.api.get(GATEWAY[0], GATEWAY[2], GATEWAY[1])
    const ports = (service.spec?.ports as { port: number }[]).filter(({ port }) => port !== 15021)
    await saboteur.change(...GATEWAY, { spec: { ports } })
  },
)

sabotage(
  'pool-unknown',
  {
    breaks: "the gateway's Service asks for an address from a pool that does not exist",
    fails: ['mesh/gateway-address', 'infra/lb-controller-log'],
  },
  async (saboteur) => {
    const [kind, namespace, name] = GATEWAY
    await saboteur.change(...GATEWAY, { metadata: { annotations: { 'metallb.io/address-pool': 'nowhere' } } })
    await saboteur.until(
      { kind, namespace, name },
      ([service]) =>
        service?.status?.loadBalancer?.ingress?.length
          ? `Service ${namespace}/${name} still has its address`
          : undefined,
      'scale',
    )
  },
)

sabotage(
  'nginx-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the host of nginx',
    fails: ['mesh/nginx-through-lb'],
  },
  (saboteur) => saboteur.make(denying('nginx-denied', { hosts: ['nginx.*'] })),
)

sabotage(
  'hello-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the host of hello',
    fails: ['knative/hello-through-lb'],
  },
  (saboteur) => saboteur.make(denying('hello-denied', { hosts: ['hello.*'] })),
)

sabotage(
  'gateway-in-one-zone',
  {
    breaks: 'the gateway has a single pod',
    fails: ['mesh/cross-zone-balance', 'chaos/pdbs', 'chaos/kill-gateway'],
  },
  (saboteur) => saboteur.scale('istio-system', 'istio-ingressgateway', 1),
)

defect('connection-pools-ignored', {
  breaks: 'istiod does not configure the connection pools of DestinationRules',
  fails: ['mesh/connection-pool-configured'],
})

defect('admin-port-open', {
  breaks: "the Envoy admin port of the gateways answers on the pod's address",
  fails: ['mesh/admin-port-closed'],
  restarts: ['istio-system/istio-ingressgateway'],
})
