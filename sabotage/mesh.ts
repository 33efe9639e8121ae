import { servedApi } from '../src/cluster/served.ts'
import { partOf } from '../src/sabotage/parts.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import type { Ref } from '../src/survey/survey.ts'
import { certManagerNamespace, theGateway } from '../src/survey/surveyed.ts'
import { httpPortOf } from '../src/survey/traffic-ports.ts'
import { workloadId } from '../src/survey/workload-id.ts'
import { deny } from './denying.ts'
import { connectionManager } from './envoy-filter.ts'
import { knativeGateway } from './knative-gateway.ts'

/** Changes the gateway's Service. */
async function changeService(saboteur: Saboteur, change: object): Promise<void> {
  const { namespace, name } = (await theGateway(saboteur)).service
  await saboteur.change('v1/Service', namespace, name, change)
}

sabotage(
  'istiod-gone',
  {
    breaks: 'istiod has no pod',
    fails: ['mesh/version', 'mesh/pods-running', 'knative/hello-ready'],
  },
  async (saboteur) => saboteur.scale(await partOf(saboteur, 'istiod'), 0),
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
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'istiod'))
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
    afterwards: ['istiod'],
  },
  async (saboteur) => {
    const target = httpPortOf(await theGateway(saboteur))?.target
    await connectionManager(saboteur, 'rejected', { max_request_headers_kb: 99999 }, target)
  },
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

/** Makes a VirtualService that answers itself, beside the gateway: what is in a tenant's namespace is a remark. */
const virtualService = async (saboteur: Saboteur, name: string, gateway: Ref, host: string): Promise<void> =>
  saboteur.make({
    apiVersion: await servedApi(saboteur, 'networking.istio.io/VirtualService'),
    kind: 'VirtualService',
    metadata: { name, namespace: (await theGateway(saboteur)).service.namespace },
    spec: {
      gateways: [`${gateway.namespace}/${gateway.name}`],
      hosts: [host],
      http: [{ directResponse: { status: 200, body: { string: 'sabotage' } } }],
    },
  })

sabotage(
  'gateway-unknown',
  { breaks: 'a VirtualService names a Gateway that does not exist', fails: ['mesh/analyze-clean'] },
  async (saboteur) => {
    const { namespace } = (await theGateway(saboteur)).service
    await virtualService(saboteur, 'astray', { namespace, name: 'nowhere' }, 'astray.example.com')
  },
)

sabotage(
  'host-claimed-twice',
  { breaks: 'two VirtualServices want the same requests on a gateway', fails: ['mesh/route-conflicts'] },
  async (saboteur) => {
    for (const name of ['first', 'second'])
      await virtualService(saboteur, name, await knativeGateway(saboteur), 'twice.example.com')
  },
)

sabotage(
  'everything-routed',
  {
    breaks: 'a VirtualService answers for every host',
    fails: ['mesh/no-endpoints-503', 'knative/unknown-host-404'],
  },
  async (saboteur) => virtualService(saboteur, 'everything', await knativeGateway(saboteur), '*'),
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
        apiVersion: await servedApi(saboteur, 'telemetry.istio.io/Telemetry'),
        kind: 'Telemetry',
        metadata: { name, namespace: await certManagerNamespace(saboteur) },
        spec: { accessLogging: [{ providers: [{ name: 'envoy' }] }] },
      })
  },
)

sabotage(
  'gateway-inside-only',
  { breaks: "the gateway's Service is of type ClusterIP", fails: ['mesh/gateway-service-type'] },
  (saboteur) => changeService(saboteur, { spec: { type: 'ClusterIP' } }),
)

sabotage(
  'gateway-port-astray',
  {
    breaks: "Knative's Gateway has a server on a port that the gateway's Service does not have",
    fails: ['mesh/gateway-ports'],
  },
  async (saboteur) => {
    const { namespace, name } = await knativeGateway(saboteur)
    const kind = `${await servedApi(saboteur, 'networking.istio.io/Gateway')}/Gateway`
    const { spec } = await saboteur.api.get(kind, name, namespace)
    const astray = { hosts: ['*'], port: { name: 'http-astray', number: 9999, protocol: 'HTTP' } }
    await saboteur.change(kind, namespace, name, { spec: { servers: [...(spec?.servers as object[]), astray] } })
  },
)

sabotage(
  'pool-unknown',
  {
    breaks: "the gateway's Service asks for an address from a pool that does not exist",
    fails: ['mesh/gateway-address', 'infra/lb-controller-log'],
  },
  async (saboteur) => {
    const { namespace, name } = (await theGateway(saboteur)).service
    await changeService(saboteur, { metadata: { annotations: { 'metallb.io/address-pool': 'nowhere' } } })
    await saboteur.until(
      { kind: 'v1/Service', namespace, name },
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
  (saboteur) => deny(saboteur, 'nginx-denied', { hosts: ['nginx.*'] }),
)

sabotage(
  'hello-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the host of hello',
    fails: ['knative/hello-through-lb'],
  },
  (saboteur) => deny(saboteur, 'hello-denied', { hosts: ['hello.*'] }),
)

sabotage(
  'gateway-in-one-zone',
  {
    breaks: 'the gateway has a single pod',
    fails: ['mesh/cross-zone-balance', 'chaos/pdbs', 'chaos/kill-gateway'],
  },
  async (saboteur) => saboteur.scale(await partOf(saboteur, 'gateway'), 1),
)

defect('connection-pools-ignored', {
  breaks: 'istiod does not configure the connection pools of DestinationRules',
  fails: ['mesh/connection-pool-configured'],
})

defect('admin-port-open', {
  breaks: "the Envoy admin port of the gateways answers on the pod's address",
  fails: ['mesh/admin-port-closed'],
  restarts: ['gateway'],
})
