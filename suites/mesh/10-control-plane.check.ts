import { check } from '../../src/check/check.ts'
import { renderedBy } from '../../src/mesh/istioctl.ts'
import { recentRestarts, readinessTroubles } from '../../src/kube/pods.ts'
import { compareMinors, minorOf, plainVersion } from '../../src/config/supported-versions.ts'

check(
  'mesh/version',
  {
    asserts:
      'istiod and every connected proxy report a version; proxies are at most one minor behind istiod; new enough for the Telemetry API',
    guide: '10',
    level: 'required',
    effect: 'reads',
    remedy:
      'restart the workloads whose proxies are behind, so that they get the sidecar of this istiod; the Telemetry API needs Istio 1.12',
  },
  async ({ stack, expect }) => {
    const versions = [...new Set(await stack.istio.istiodVersions())]
    for (const version of versions) {
      expect(minorOf(version), `the version that istiod reports ("${version}")`).toBeDefined()
      expect(
        compareMinors(version, '1.12'),
        `istiod ${version} against 1.12, which the Telemetry API needs`,
      ).toBeGreaterThanOrEqual(0)
    }
    const { istio: wanted } = stack.config.versions
    if (wanted)
      expect(versions.map(plainVersion), 'versions of istiod, against stack.yaml').toEqual(
        versions.map(() => plainVersion(wanted)),
      )
    const newest = versions.toSorted(compareMinors).at(-1) ?? ''
    const proxies = await stack.istio.proxies()
    expect(proxies.length, 'proxies connected to istiod').toBeGreaterThan(0)
    const behind = proxies
      .filter(({ istio_version }) => minorsBehind(newest, istio_version) > 1)
      .map(({ proxy, istio_version }) => `${proxy} ${istio_version}`)
    expect(behind, `proxies without a version, or more than one minor behind istiod ${newest}`).toBeNone()
    return `istiod ${versions.join(', ')}; ${proxies.length} proxies of ${[...new Set(proxies.map((proxy) => proxy.istio_version))].join(', ')}`
  },
)

/** How many minors a proxy is behind; endless where it reports no version. */
function minorsBehind(istiod: string, proxy: string): number {
  const [a, b] = [minorOf(istiod), minorOf(proxy)].map((minor) => Number(minor?.split('.')[1]))
  return a === undefined || b === undefined || Number.isNaN(b) ? Infinity : a - b
}

const CRDS = [
  'gateways.networking.istio.io',
  'virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io',
  'envoyfilters.networking.istio.io',
  'peerauthentications.security.istio.io',
  'telemetries.telemetry.istio.io',
]

check(
  'mesh/crds',
  {
    asserts: 'the Istio CRDs that the guide uses exist and serve a version',
    guide: '10',
    level: 'required',
    effect: 'reads',
    remedy: "install Istio's base chart (every profile has it); there is no component of its own for telemetry",
  },
  async ({ stack, expect }) => {
    const served = await Promise.all(CRDS.map((name) => stack.k8s.served.versionsOf(name)))
    expect(
      CRDS.filter((_, at) => !served[at]?.length),
      'Istio CRDs that are missing or serve no version',
    ).toBeNone()
    return CRDS.map((name, at) => `${name.split('.')[0]} ${served[at]?.join('/')}`).join(', ')
  },
)

check(
  'mesh/pods-running',
  {
    asserts: 'every pod of istio-system is Ready, and no container restarted in the last 10 minutes',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: 'kubectl describe pod and kubectl logs --previous show why; the evidence has both ends',
  },
  async ({ stack, expect, measure }) => {
    const { namespace } = stack.config.gateway
    const pods = (await stack.all('v1/Pod')).filter(
      (pod) => pod.metadata?.namespace === namespace && pod.status?.phase !== 'Succeeded',
    )
    expect(pods.length, `pods of ${namespace}`).toBeGreaterThan(0)
    expect(readinessTroubles(pods), `pods of ${namespace} that are not Ready`).toBeNone()
    expect(recentRestarts(pods, 10), `containers of ${namespace} that restarted in the last 10 minutes`).toBeNone()
    measure('pods', pods.length, 'pods')
    return `${pods.length} pods Ready`
  },
)

check(
  'mesh/proxies-synced',
  {
    asserts: "every proxy's CDS, LDS, EDS and RDS is acknowledged (what istioctl proxy-status shows)",
    guide: '7',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy: 'istioctl proxy-status names the proxy that is STALE; its log says which configuration it rejected',
  },
  async ({ stack, expect, measure }) => {
    const gateways = await stack.istio.gatewayPods()
    // One that lost its istiod a moment ago is on its way to another.
    const proxies = await stack.istio.untilSynced(gateways.length)
    const connected = gateways.filter((pod) =>
      proxies.some(({ proxy }) => proxy === `${pod.metadata?.name}.${pod.metadata?.namespace}`),
    )
    expect(connected.length, 'gateway pods that are connected to an istiod').toBe(gateways.length)
    measure('proxies', proxies.length, 'proxies')
    return `${proxies.length} proxies have acknowledged CDS, LDS, EDS and RDS, ${gateways.length} gateways among them`
  },
)

check(
  'mesh/telemetry-component-gone',
  {
    asserts:
      'nothing rests on what newer versions removed: no components.telemetry, no config.istio.io handler, no Mixer CRD',
    guide: '10',
    level: 'recommended',
    effect: 'reads',
    remedy:
      'remove it: Mixer went in Istio 1.8, and components.telemetry is an unknown field since; a Telemetry resource does what is left of it',
  },
  async ({ stack, expect }) => {
    const groups = (await stack.k8s.served.groups()).map(({ name }) => name)
    expect(groups, "API groups, among them that of Mixer's CRDs").not.toContain('config.istio.io')
    const deployments = (await stack.all('apps/v1/Deployment')).filter((each) =>
      ['telemetry', 'policy', 'mixer'].includes(each.metadata?.labels?.app ?? ''),
    )
    const { namespace } = stack.config.gateway
    const remains = deployments
      .filter((each) => each.metadata?.namespace === namespace)
      .map((each) => each.metadata?.name)
    expect(remains, `Mixer's deployments in ${namespace}`).toBeNone()
    const operators = groups.includes('install.istio.io')
      ? await stack.all('install.istio.io/v1alpha1/IstioOperator')
      : []
    const withTelemetry = operators
      .filter((each) => each.spec?.components?.telemetry)
      .map((each) => each.metadata?.name)
    expect(withTelemetry, 'IstioOperators with components.telemetry').toBeNone()
    return `no CRD of config.istio.io, no Mixer deployment, ${operators.length} IstioOperators in the cluster without components.telemetry`
  },
)

check(
  'mesh/install-values',
  {
    asserts:
      "fixtures/istio/install.yaml renders as an IstioOperator; the guide's own top-level gateways: is refused as an unknown field",
    guide: '2',
    level: 'required',
    effect: 'reads',
    requires: ['istioctl'],
    remedy: 'write the values under spec.values.gateways of an IstioOperator, and install that',
  },
  async ({ stack, expect }) => {
    const [rendered, raw, operator, reload] = await Promise.all([
      renderedBy(stack, 'istio/install.yaml', 'Service'),
      renderedBy(stack, 'istio/guide-values.yaml', 'Service'),
      renderedBy(stack, 'istio/guide-operator.yaml', 'Service'),
      renderedBy(stack, 'istio/guide-reload.yaml', 'Service'),
    ])
    expect(rendered.refusal, 'what istioctl refuses install.yaml with').toBe('nothing: it was accepted')
    const gateway = rendered.objects.find((object) => object.metadata?.name === 'istio-ingressgateway')
    expect(gateway?.spec?.type, 'type of the Service istio-ingressgateway that it renders').toBe('LoadBalancer')
    expect(
      gateway?.metadata?.annotations?.['service.beta.kubernetes.io/aws-load-balancer-scheme'],
      'its annotation for the scheme',
    ).toBe('internal')
    // Newer istioctl ask for the kind before they look at fields.
    expect(raw.refusal, "what istioctl says of the guide's values file").toMatch(
      /unknown field "?gateways|Object 'Kind' is missing/,
    )
    expect(operator.refusal, "what istioctl says of the guide's gateways: in an IstioOperator").toMatch(
      /unknown field "?gateways/,
    )
    expect(reload.refusal, "what istioctl says of the guide's values.global.tls.enableAutoReload").toMatch(
      /unknown field "?tls/,
    )
    return `install.yaml renders ${rendered.count} objects; the guide's gateways: is refused (${operator.refusal})`
  },
)
