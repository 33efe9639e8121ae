import { check } from '../../src/check/check.ts'
import { ACCEPTED } from '../../src/kube/errors.ts'
import { renderManifest } from '../../src/mesh/istioctl.ts'
import { alivePods, recentRestarts, readinessTroubles } from '../../src/kube/pods.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { compareMinors, minorOf } from '../../src/config/supported-versions.ts'
import { gatewayName } from '../../src/cluster/gateway-service.ts'

check(
  'mesh/version',
  {
    asserts:
      'istiod and every connected proxy report a version, istiod 1.12 or newer (Telemetry API), proxies at most one ' +
      'minor version older than istiod',
    guide: '10',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run istioctl version to see the versions of istiod and of the proxies',
      'Restart the workloads whose proxies are too old (kubectl rollout restart), so that they get the current sidecar',
      'Upgrade istiod to 1.12 or newer for the Telemetry API',
    ],
  },
  async ({ stack, expect }) => {
    const versions = [...new Set(await stack.istio.istiodVersions())]
    for (const version of versions) {
      expect(minorOf(version) !== undefined).toHold(`istiod: "${version}" at /version is not a version`)
      expect(compareMinors(version, '1.12') >= 0).toHold(
        `istiod: found version ${version}, expected at least 1.12 for the Telemetry API`,
      )
    }
    const { istio: wanted } = stack.config.expect.versions
    if (wanted)
      for (const version of versions)
        expect(isVersion(version, wanted)).toHold(otherVersion('istiod', version, 'istio', wanted))
    const newest = versions.toSorted(compareMinors).at(-1) ?? ''
    const proxies = await stack.istio.proxies()
    expect(proxies.length, 'Proxies connected to istiod').toBeGreaterThan(0)
    const behind = proxies
      .filter(({ istio_version }) => minorsBehind(newest, istio_version) > 1)
      .map(({ proxy, istio_version }) => `${proxy} ${istio_version || '(no version)'}`)
    expect(behind, `Proxies more than one minor version older than istiod ${newest}`).toBeNone()
    const proxyVersions = [...new Set(proxies.map((proxy) => proxy.istio_version))].join(', ')
    return `istiod ${versions.join(', ')}; ${proxies.length} connected proxies of version ${proxyVersions}`
  },
)

/** By how many minor versions a proxy is older than istiod; Infinity where it reports no version. */
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
    asserts: 'the Istio CRDs that the guide uses exist, and the API server serves a version of each',
    guide: '10',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Install the base chart of Istio, which has all of its CRDs (every istioctl profile includes it)',
      'Do not look for a telemetry component: there is none',
    ],
  },
  async ({ stack, expect }) => {
    const served = await Promise.all(CRDS.map((name) => stack.k8s.served.versionsOf(name)))
    expect(
      CRDS.filter((_, at) => !served[at]?.length),
      'CustomResourceDefinitions that are missing or have no served version',
    ).toBeNone()
    return `Served: ${CRDS.map((name, at) => `${name.split('.')[0]} ${served[at]?.join('/')}`).join(', ')}`
  },
)

check(
  'mesh/pods-running',
  {
    asserts: 'every pod in istio-system is Ready, and no container restarted in the last 10 minutes',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl -n istio-system describe pod NAME and read its events',
      'Run kubectl -n istio-system logs NAME --previous to see why a container ended',
    ],
  },
  async ({ stack, expect, measure }) => {
    const { namespace } = await gatewayName(stack)
    const pods = alivePods((await stack.all('v1/Pod')).filter((pod) => pod.metadata?.namespace === namespace))
    expect(pods.length, `Pods in namespace ${namespace}`).toBeGreaterThan(0)
    expect(readinessTroubles(pods), `Pods in namespace ${namespace} that are not Ready`).toBeNone()
    expect(recentRestarts(pods, 10), `Containers in ${namespace} that restarted in the last 10 minutes`).toBeNone()
    measure('pods', pods.length, 'pods')
    return `All ${pods.length} pods in namespace ${namespace} are Ready; none restarted in the last 10 minutes`
  },
)

check(
  'mesh/proxies-synced',
  {
    asserts: 'every proxy has acknowledged its CDS, LDS, EDS and RDS (SYNCED in istioctl proxy-status)',
    guide: '7',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy: [
      'Run istioctl proxy-status to find the proxy that is STALE',
      'Read the log of that proxy: it names the configuration that it rejected',
    ],
  },
  async ({ stack, expect, measure }) => {
    const gateways = await stack.istio.gatewayPods()
    // A proxy that lost its istiod a moment ago is still connecting to another one.
    const proxies = await stack.istio.untilSynced(gateways.length)
    const connected = gateways.filter((pod) =>
      proxies.some(({ proxy }) => proxy === `${pod.metadata?.name}.${pod.metadata?.namespace}`),
    )
    expect(connected.length === gateways.length).toHold(
      `${connected.length} of ${gateways.length} gateway pods are connected to an istiod; all are expected`,
    )
    measure('proxies', proxies.length, 'proxies')
    return `${proxies.length} proxies, ${gateways.length} gateways among them, have acknowledged CDS, LDS, EDS and RDS`
  },
)

check(
  'mesh/telemetry-component-gone',
  {
    asserts:
      'nothing that newer Istio versions removed is left: no API group config.istio.io, no Mixer Deployment, no ' +
      'IstioOperator with components.telemetry',
    guide: '10',
    level: 'recommended',
    effect: 'reads',
    remedy: [
      'Delete the CRDs of config.istio.io and the Deployments of Mixer, which Istio removed in 1.8',
      'Delete components.telemetry from the IstioOperator: it is an unknown field since 1.8',
      'Use a Telemetry resource for what they did',
    ],
  },
  async ({ stack, expect }) => {
    const groups = (await stack.k8s.served.groups()).map(({ name }) => name)
    expect(!groups.includes('config.istio.io')).toHold('API group config.istio.io is served: CRDs of Mixer are left')
    const deployments = (await stack.all('apps/v1/Deployment')).filter(({ metadata }) =>
      ['telemetry', 'policy', 'mixer'].includes(metadata?.labels?.app ?? ''),
    )
    const { namespace } = await gatewayName(stack)
    const remains = deployments
      .filter(({ metadata }) => metadata?.namespace === namespace)
      .map(({ metadata }) => metadata?.name)
    expect(remains, `Deployments of Mixer in namespace ${namespace}`).toBeNone()
    const operators = groups.includes('install.istio.io')
      ? await stack.all('install.istio.io/v1alpha1/IstioOperator')
      : []
    const withTelemetry = operators
      .filter(({ spec }) => spec?.components?.telemetry)
      .map(({ metadata }) => metadata?.name)
    expect(withTelemetry, 'IstioOperators with spec.components.telemetry').toBeNone()
    return (
      'No API group config.istio.io, no Mixer Deployment; ' +
      `none of ${operators.length} IstioOperators has components.telemetry`
    )
  },
)

check(
  'mesh/install-values',
  {
    asserts:
      "istioctl renders fixtures/istio/install.yaml as an IstioOperator, and refuses the guide's gateways: and " +
      'enableAutoReload as unknown fields',
    guide: '2',
    level: 'required',
    effect: 'reads',
    requires: ['istioctl'],
    remedy: [
      'Write the values of the guide under spec.values.gateways of an IstioOperator',
      'Run istioctl install -f FILE with that IstioOperator',
    ],
  },
  async ({ stack, expect }) => {
    const [rendered, raw, operator, reload] = await Promise.all([
      renderManifest(stack, 'istio/install.yaml', 'Service'),
      renderManifest(stack, 'istio/guide-values.yaml', 'Service'),
      renderManifest(stack, 'istio/guide-operator.yaml', 'Service'),
      renderManifest(stack, 'istio/guide-reload.yaml', 'Service'),
    ])
    expect(rendered.refusal === ACCEPTED).toHold(`istioctl refuses fixtures/istio/install.yaml: ${rendered.refusal}`)
    const gateway = rendered.objects.find((object) => object.metadata?.name === 'istio-ingressgateway')
    const service = 'fixtures/istio/install.yaml as rendered, Service istio-ingressgateway'
    expect(gateway?.spec?.type, `${service}, spec.type`).toBe('LoadBalancer')
    const scheme = 'service.beta.kubernetes.io/aws-load-balancer-scheme'
    expect(gateway?.metadata?.annotations?.[scheme], `${service}, annotation ${scheme}`).toBe('internal')
    // Newer istioctl ask for the kind before they look at fields.
    expect(raw.refusal, "Refusal of the guide's values file by istioctl").toMatch(
      /unknown field "?gateways|Object 'Kind' is missing/,
    )
    expect(operator.refusal, "Refusal of the guide's gateways: in an IstioOperator by istioctl").toMatch(
      /unknown field "?gateways/,
    )
    expect(reload.refusal, "Refusal of the guide's values.global.tls.enableAutoReload by istioctl").toMatch(
      /unknown field "?tls/,
    )
    return `install.yaml renders ${rendered.count} objects; istioctl refuses the guide's gateways: ${operator.refusal}`
  },
)
