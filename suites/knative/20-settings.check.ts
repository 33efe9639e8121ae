import { check } from '../../src/check/check.ts'
import { KNATIVE, REVISION } from '../../src/kube/kinds.ts'
import { nearestKey } from '../../src/config/nearest-key.ts'
import { AUTOSCALER_SETTINGS, effective, GC_SETTINGS, goDuration, settingTroubles } from '../../src/knative/settings.ts'
import { externalGateways, gatewayTroubles } from '../../src/knative/gateways.ts'

const ISTIO_CLASS = 'istio.ingress.networking.knative.dev'

check(
  'knative/ingress-class',
  {
    asserts: "config-network's ingress class is Istio's (or unset with only net-istio installed)",
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    remedy: `set ingress-class: ${ISTIO_CLASS} in config-network; with another class net-istio leaves every Route alone`,
  },
  async ({ stack, expect }) => {
    const settings = await stack.knative.settings('config-network')
    const chosen = settings['ingress-class'] ?? settings['ingress.class']
    await stack.one('apps/v1/Deployment', 'net-istio-controller', KNATIVE)
    if (chosen !== undefined) {
      expect(chosen, 'ingress-class in config-network').toBe(ISTIO_CLASS)
      return `ingress-class is ${chosen}`
    }
    const others = (await stack.all('apps/v1/Deployment'))
      .map((each) => each.metadata?.name ?? '')
      .filter((name) =>
        /^(3scale-kourier-gateway|net-kourier-controller|net-contour-controller|net-gateway-api-controller)$/.test(
          name,
        ),
      )
    expect(others, 'other ingress controllers, with ingress-class unset').toBeNone()
    return "ingress-class is unset, which is Istio's, and no other ingress controller is installed"
  },
)

check(
  'knative/domain',
  {
    asserts: 'config-domain has a real key; one that stands only inside _example has no effect and is reported as that',
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    remedy:
      'put the domain as a key of its own directly below data: (kubectl -n knative-serving patch configmap config-domain --type merge -p \'{"data":{"example.com":""}}\')',
  },
  async ({ stack, expect }) => {
    const map = await stack.one('v1/ConfigMap', 'config-domain', KNATIVE)
    const domains = Object.entries(await stack.knative.settings('config-domain'))
    const inExample = /^\s{0,2}[\w.-]+\.[a-z]+:/m.test(String(map.data?._example ?? ''))
      ? ' (a domain inside _example is read by nothing)'
      : ''
    expect(domains.length, `number of keys of config-domain besides _example${inExample}`).toBeGreaterThan(0)
    // A key with an empty selector is a default; between several the lexicographically smallest wins (route/config/domain.go).
    const defaults = domains
      .filter(([, selector]) => !/selector:/.test(selector))
      .map(([name]) => name)
      .toSorted()
    expect(defaults, 'keys of config-domain without a selector: the default must be one').toHaveLength(1)
    expect(defaults[0], 'the default domain: with svc.cluster.local every Service is cluster-local').not.toMatch(
      /\.svc\.|^svc\./,
    )
    const { domain } = stack.config
    if (domain) expect(defaults[0], 'the default domain, against the domain of stack.yaml').toBe(domain)
    return `the default domain is ${defaults[0]}${domains.length > 1 ? `, and ${domains.length - 1} with a selector` : ''}`
  },
)

check(
  'knative/gateway-config',
  {
    asserts:
      "config-istio's external gateway (old or new key) points to istio-ingressgateway, and the Gateways it names exist, select its pods and serve port 80",
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type', 'mesh/crds'],
    remedy:
      "set external-gateways (or gateway.NAMESPACE.NAME) in config-istio to the gateway's Service, and give the Gateway that Service's pods as its selector; a bare key gateway is read by nothing",
  },
  async ({ stack, expect }) => {
    const settings = await stack.knative.settings('config-istio')
    const gateways = externalGateways(settings)
    expect(gateways.problem, 'what is wrong with config-istio').toBeUndefined()
    expect(gateways.found.length, 'external gateways that config-istio gives').toBeGreaterThan(0)
    expect(
      await gatewayTroubles(stack, gateways.found),
      'what is wrong with the Gateways that config-istio names',
    ).toBeNone()
    return (
      gateways.found.map(({ namespace, name, service }) => `${namespace}/${name} -> ${service}`).join(', ') +
      (gateways.byDefault ? ' (the default)' : '')
    )
  },
)

/** The keys that the guide sets, whose effective values the report lists. */
const GUIDE_KEYS = [
  'container-concurrency-target-default',
  'container-concurrency-target-percentage',
  'requests-per-second-target-default',
  'initial-scale',
  'scale-to-zero-pod-retention-period',
  'target-burst-capacity',
  'panic-threshold-percentage',
  'max-scale-down-rate',
]

check(
  'knative/autoscaler-config',
  {
    asserts:
      "every key of config-autoscaler is known to this version and parses; a misspelled key is a failure; the guide's keys are listed with their effective values",
    guide: '4',
    level: 'required',
    effect: 'reads',
    remedy:
      'correct or remove the key: Knative ignores a key that it does not know, so a misspelled setting is a setting not made',
  },
  async ({ stack, expect }) => {
    const settings = await stack.knative.settings('config-autoscaler')
    await stack.one('v1/ConfigMap', 'config-autoscaler', KNATIVE)
    expect(settingTroubles(settings, AUTOSCALER_SETTINGS, nearestKey), 'what is wrong in config-autoscaler').toBeNone()
    return GUIDE_KEYS.map(
      (key) => `${key} ${effective(settings, AUTOSCALER_SETTINGS, key)}${key in settings ? '' : ' (default)'}`,
    ).join(', ')
  },
)

check(
  'knative/revision-gc',
  {
    asserts: 'config-gc parses; revisions that are not routed to and past its limits are gone',
    guide: '6',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/crds'],
    remedy:
      'correct config-gc; Knative keeps 20 non-active revisions of a Configuration whatever their age, and more than that only while they are young',
  },
  async ({ stack, expect, measure }) => {
    const settings = await stack.knative.settings('config-gc')
    expect(settingTroubles(settings, GC_SETTINGS, nearestKey), 'what is wrong in config-gc').toBeNone()
    const value = (key: string) => effective(settings, GC_SETTINGS, key)
    const revisions = await stack.all(REVISION)
    const keep = value('min-non-active-revisions')
    const [age, idle] = [
      goDuration(value('retain-since-create-time')),
      goDuration(value('retain-since-last-active-time')),
    ]
    const stale = revisions.filter(({ metadata }) => {
      const labels = metadata?.labels ?? {}
      const old = Date.now() - new Date(metadata?.creationTimestamp ?? 0).getTime()
      const since =
        Date.now() - new Date(metadata?.annotations?.['serving.knative.dev/routingStateModified'] ?? 0).getTime()
      // An hour of grace: the collector runs when the Configuration is reconciled.
      return (
        labels['serving.knative.dev/routingState'] === 'reserve' &&
        age !== undefined &&
        idle !== undefined &&
        old > age + 3_600_000 &&
        since > idle + 3_600_000
      )
    })
    const byConfiguration = Map.groupBy(
      stale,
      ({ metadata }) => `${metadata?.namespace}/${metadata?.labels?.['serving.knative.dev/configuration']}`,
    )
    const over = [...byConfiguration]
      .filter(([, all]) => keep !== 'disabled' && all.length > Number(keep) + 1)
      .map(([name, all]) => `${name}: ${all.length}`)
    expect(over, `Configurations with more than ${keep} revisions past the limits`).toBeNone()
    measure('revisions', revisions.length, 'revisions')
    return `${revisions.length} revisions, ${stale.length} past ${value('retain-since-create-time')} and ${value('retain-since-last-active-time')}; ${keep} a Configuration are kept`
  },
)
