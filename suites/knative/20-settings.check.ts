import { check } from '../../src/check/check.ts'
import { KNATIVE, REVISION } from '../../src/kube/kinds.ts'
import { nearestKey } from '../../src/config/nearest-key.ts'
import { goDuration } from '../../src/knative/go-duration.ts'
import { AUTOSCALER_SETTINGS, effective, GC_SETTINGS, settingTroubles } from '../../src/knative/settings.ts'
import { externalGateways, gatewayTroubles } from '../../src/knative/gateways.ts'

const ISTIO_CLASS = 'istio.ingress.networking.knative.dev'

check(
  'knative/ingress-class',
  {
    asserts: "config-network's ingress-class is Istio's, or unset with net-istio as the only ingress controller",
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    remedy: [`Set ingress-class: ${ISTIO_CLASS} in config-network: net-istio ignores Routes of another class`],
  },
  async ({ stack, expect }) => {
    const settings = await stack.knative.settings('config-network')
    const ingressClass = settings['ingress-class'] ?? settings['ingress.class']
    await stack.one('apps/v1/Deployment', 'net-istio-controller', KNATIVE)
    if (ingressClass !== undefined) {
      expect(ingressClass, `ConfigMap ${KNATIVE}/config-network, ingress-class`).toBe(ISTIO_CLASS)
      return `ingress-class is ${ingressClass}`
    }
    const others = (await stack.all('apps/v1/Deployment'))
      .map(({ metadata }) => metadata?.name ?? '')
      .filter((name) =>
        /^(3scale-kourier-gateway|net-kourier-controller|net-contour-controller|net-gateway-api-controller)$/.test(
          name,
        ),
      )
    expect(
      others,
      `Other ingress controllers while ConfigMap ${KNATIVE}/config-network has no ingress-class`,
    ).toBeNone()
    return 'ingress-class is unset (default: Istio), and net-istio is the only ingress controller'
  },
)

check(
  'knative/domain',
  {
    asserts: 'config-domain sets a default domain outside of _example, which Knative ignores',
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Set the domain as a key directly under data of ConfigMap knative-serving/config-domain, outside of _example',
      'Run kubectl -n knative-serving patch configmap config-domain --type merge -p \'{"data":{"example.com":""}}\'',
    ],
  },
  async ({ stack, expect }) => {
    const map = await stack.one('v1/ConfigMap', 'config-domain', KNATIVE)
    const domains = Object.entries(await stack.knative.settings('config-domain'))
    const inExample = /^\s{0,2}[\w.-]+\.[a-z]+:/m.test(String(map.data?._example ?? ''))
      ? '; Knative ignores the domain inside _example'
      : ''
    const configMap = `ConfigMap ${KNATIVE}/config-domain`
    expect(domains.length > 0).toHold(`${configMap} has no domain, at least 1 key is expected${inExample}`)
    // A key with an empty selector is a default; of several the lexicographically smallest wins
    // (route/config/domain.go).
    const defaults = domains
      .filter(([, selector]) => !/selector:/.test(selector))
      .map(([name]) => name)
      .toSorted()
    expect(defaults.length === 1).toHold(
      `${configMap} has ${defaults.length} keys without a selector (${defaults.join(', ') || 'none'}), ` +
        'expected 1: the default domain',
    )
    expect(!/\.svc\.|^svc\./.test(defaults[0] ?? '')).toHold(
      `${configMap}: the default domain is ${defaults[0]}, which makes every Service cluster-local`,
    )
    const { domain } = stack.config.expect
    if (domain) expect(defaults[0], `${configMap}, default domain, with expect.domain of stack.yaml`).toBe(domain)
    const more = domains.length > 1 ? `; ${domains.length - 1} more domains have a selector` : ''
    return `the default domain is ${defaults[0]}${more}`
  },
)

check(
  'knative/gateway-config',
  {
    asserts:
      "config-istio's external gateways point to istio-ingressgateway, " +
      'and their Gateways exist, select its pods and serve HTTP on port 80',
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/gateway-service-type', 'mesh/crds'],
    remedy: [
      "Set external-gateways (gateway.NAMESPACE.NAME before 1.14) in config-istio to the gateway's Service",
      "Set spec.selector of the Gateway to the labels of that Service's pods",
      'Remove a key named gateway without a NAMESPACE and NAME: Knative ignores it',
    ],
  },
  async ({ stack, expect }) => {
    const { gateways, byDefault, problem } = externalGateways(await stack.knative.settings('config-istio'))
    expect(problem === undefined).toHold(`ConfigMap ${KNATIVE}/config-istio: ${problem}`)
    expect(gateways.length, `ConfigMap ${KNATIVE}/config-istio, number of external gateways`).toBeGreaterThan(0)
    expect(await gatewayTroubles(stack, gateways), 'External gateways of config-istio').toBeNone()
    const mappings = gateways.map(
      ({ namespace, name, service }) => `Gateway ${namespace}/${name} -> Service ${service}`,
    )
    return `${mappings.join(', ')}${byDefault ? ' (the default)' : ''}`
  },
)

/** The keys that the guide sets; the report lists their effective values. */
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
    asserts: 'every key of config-autoscaler is known to Knative, and its value parses',
    guide: '4',
    level: 'required',
    effect: 'reads',
    remedy: ['Correct or remove the key in config-autoscaler: Knative silently ignores an unknown key'],
  },
  async ({ stack, expect }) => {
    const settings = await stack.knative.settings('config-autoscaler')
    await stack.one('v1/ConfigMap', 'config-autoscaler', KNATIVE)
    expect(
      settingTroubles(settings, AUTOSCALER_SETTINGS, nearestKey),
      `ConfigMap ${KNATIVE}/config-autoscaler`,
    ).toBeNone()
    return GUIDE_KEYS.map(
      (key) => `${key} ${effective(settings, AUTOSCALER_SETTINGS, key)}${key in settings ? '' : ' (default)'}`,
    ).join(', ')
  },
)

check(
  'knative/revision-gc',
  {
    asserts: 'config-gc parses, and revisions without traffic past its limits are deleted',
    guide: '6',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/crds'],
    remedy: [
      'Correct the keys of config-gc: by default Knative keeps 20 non-active revisions of a Configuration at any age',
      'Look for errors about the Configuration in the log of deployment/controller in knative-serving',
    ],
  },
  async ({ stack, expect, measure }) => {
    const settings = await stack.knative.settings('config-gc')
    expect(settingTroubles(settings, GC_SETTINGS, nearestKey), `ConfigMap ${KNATIVE}/config-gc`).toBeNone()
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
      // An hour of grace: garbage collection runs only when the Configuration is reconciled.
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
      .filter(([, expired]) => keep !== 'disabled' && expired.length > Number(keep) + 1)
      .map(([name, expired]) => `Configuration ${name} has ${expired.length}`)
    expect(over, `Configurations with more than ${keep} non-active revisions past the limits of config-gc`).toBeNone()
    measure('revisions', revisions.length, 'revisions')
    const limits = [value('retain-since-create-time'), value('retain-since-last-active-time')].join(' and ')
    const count = `${revisions.length} revisions, ${stale.length} of them past the limits (${limits})`
    return `${count}; ${keep} per Configuration are kept`
  },
)
