import { check } from '../../src/check/check.ts'
import type { KubernetesObject } from '../../src/core/object.ts'
import { ACCEPTED } from '../../src/kube/errors.ts'
import { renderManifest } from '../../src/mesh/istioctl.ts'
import { isTooOld, istiodVersions } from '../../src/mesh/istiod-versions.ts'
import { meshWorkloads } from '../../src/mesh/mesh-workloads.ts'
import { istiodName, namespaceOf, proxyOf, staleProxies, type Proxy } from '../../src/mesh/proxies.ts'
import { alivePods, recentRestarts, readinessTroubles } from '../../src/kube/pods.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { compareMinors, minorOf } from '../../src/config/supported-versions.ts'
import { lastingTroubles } from '../../src/cluster/lasting.ts'
import { stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { allIstiods, externalGateways, theIstiod } from '../../src/survey/surveyed.ts'
import { isPodOf } from '../../src/survey/workloads.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'mesh/version',
  {
    asserts:
      'every istiod and every connected proxy report a version, istiods 1.12 or newer (Telemetry API), and no proxy ' +
      'is more than one minor version older than the istiod that it is connected to',
    guide: '10',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run istioctl version to see the versions of istiod and of the proxies',
      'Restart the workloads whose proxies are too old (kubectl rollout restart), so that they get the current sidecar',
      'Upgrade istiod to 1.12 or newer for the Telemetry API',
    ],
  },
  async ({ stack, expect, remark }) => {
    const versions = await istiodVersions(stack)
    for (const [istiod, each] of versions)
      for (const version of each) {
        expect(minorOf(version) !== undefined).toHold(`istiod ${istiod}: "${version}" at /version is not a version`)
        expect(compareMinors(version, '1.12') >= 0).toHold(
          `istiod ${istiod}: found version ${version}, expected at least 1.12 for the Telemetry API`,
        )
      }
    const { istio: wanted } = stack.config.expect.versions
    if (wanted)
      for (const version of versions.get(istiodName(await theIstiod(stack))) ?? [])
        expect(isVersion(version, wanted)).toHold(otherVersion('istiod', version, 'istio', wanted))
    const proxies = await stack.istio.proxies()
    expect(proxies.length, 'Proxies connected to istiod').toBeGreaterThan(0)
    const own = stackNamespaces(await stack.survey())
    const behind = proxies.filter((proxy) => isTooOld(proxy, versions))
    const tell = (proxy: Proxy) =>
      `${proxy.proxy} has version ${proxy.istio_version || '(none)'}, its istiod ${istiodName(proxy.istiod)} ` +
      `${versions.get(istiodName(proxy.istiod))?.join(', ')}`
    for (const proxy of behind.filter((each) => !own.has(namespaceOf(each))))
      remark(`The proxy ${tell(proxy)}: it is more than one minor version older.`, namespaceOf(proxy))
    expect(
      behind.filter((each) => own.has(namespaceOf(each))).map(tell),
      'Proxies more than one minor version older than their istiod',
    ).toBeNone()
    const proxyVersions = [...new Set(proxies.map((proxy) => proxy.istio_version))].join(', ')
    const istiods = [...versions].map(([istiod, each]) => `${istiod} ${each.join(', ')}`).join('; ')
    return (
      `istiod ${istiods}; ${counted(proxies.length, 'connected proxy', 'connected proxies')} ` +
      `` +
      `of version ${proxyVersions}`
    )
  },
)

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
    asserts:
      'every pod of istiod and of the gateways is Ready; containers that restarted in the last 10 minutes are remarks',
    guide: '2',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe pod NAME in the namespace of the pod and read its events',
      'Run kubectl logs NAME --previous to see why a container ended',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const workloads = await meshWorkloads(stack)
    let count = 0
    for (const workload of workloads) {
      const { namespace, name, kind } = workload
      const ofIt = (pods: KubernetesObject[]) => alivePods(pods.filter((pod) => isPodOf(workload, pod)))
      const pods = ofIt(await stack.all('v1/Pod'))
      expect(pods.length, `Pods of ${kind} ${namespace}/${name}`).toBeGreaterThan(0)
      const troubles = await lastingTroubles(stack, { kind: 'v1/Pod', namespace }, (now) =>
        readinessTroubles(ofIt(now)),
      )
      expect(troubles, `Pods of ${kind} ${namespace}/${name} that are not Ready`).toBeNone()
      for (const restart of recentRestarts(pods, 10)) remark(`Pod ${namespace}/${restart}; it is Ready again.`)
      count += pods.length
    }
    measure('pods', count, 'pods')
    const names = workloads.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')
    return `All ${count} pods of ${names} are Ready`
  },
)

check(
  'mesh/proxies-synced',
  {
    asserts:
      'every proxy has acknowledged what it subscribes to of CDS, LDS, EDS and RDS (SYNCED in istioctl proxy-status)',
    guide: '7',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy: [
      'Run istioctl proxy-status to find the proxy that is STALE',
      'Read the log of that proxy: it names the configuration that it rejected',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const external = await externalGateways(stack)
    const gateways = (await Promise.all(external.map((gateway) => stack.istio.gatewayPods(gateway)))).flat()
    // A proxy that lost its istiod a moment ago is still connecting to another one.
    const proxies = await stack.istio.untilSynced(gateways.length)
    const astray = gateways.filter((pod) => !proxyOf(proxies, pod)).map(({ metadata }) => metadata?.name)
    expect(astray, 'Gateway pods that are connected to no istiod').toBeNone()
    const own = stackNamespaces(await stack.survey())
    for (const proxy of proxies.filter((each) => !own.has(namespaceOf(each))))
      for (const stale of staleProxies([proxy]))
        remark(`The proxy ${stale}: its last push is not acknowledged.`, namespaceOf(proxy))
    measure('proxies', proxies.length, 'proxies')
    return (
      `${counted(proxies.length, 'proxy is', 'proxies are')} connected, ` +
      `` +
      `${counted(gateways.length, 'gateway')} among them; the stack's are synced`
    )
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
    const namespaces = (await allIstiods(stack)).map(({ workload }) => workload.namespace)
    const remains = deployments
      .filter(({ metadata }) => namespaces.includes(metadata?.namespace ?? ''))
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)
    expect(remains, 'Deployments of Mixer beside istiod').toBeNone()
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
    return (
      `install.yaml renders ${counted(rendered.count, 'object')}; ` +
      `` +
      `istioctl refuses the guide's gateways: ${operator.refusal}`
    )
  },
)
