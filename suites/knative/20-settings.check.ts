import { check } from '../../src/check/check.ts'
import { componentOf } from '../../src/knative/component-pods.ts'
import { REVISION } from '../../src/kube/kinds.ts'
import { nearestKey } from '../../src/config/nearest-key.ts'
import { goDuration } from '../../src/knative/go-duration.ts'
import { AUTOSCALER_SETTINGS, effective, GC_SETTINGS, settingTroubles } from '../../src/knative/settings.ts'
import { defaultDomain, gatewayTroubles } from '../../src/knative/gateways.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { theKnative } from '../../src/survey/surveyed.ts'
import { counted } from '../../src/core/counted.ts'

const ISTIO_CLASS = 'istio.ingress.networking.knative.dev'

check(
  'knative/ingress-class',
  {
    asserts: "config-network's ingress-class is Istio's, or unset, which means Istio's, and net-istio is installed",
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    remedy: [`Set ingress-class: ${ISTIO_CLASS} in config-network: net-istio ignores Routes of another class`],
  },
  async ({ stack, expect }) => {
    const { namespace, ingressClass, otherIngresses } = await theKnative(stack)
    const { 'ingress-class': set, 'ingress.class': setBefore } = await stack.knative.settings('config-network')
    await componentOf(stack, 'net-istio-controller')
    expect(ingressClass, `ConfigMap ${namespace}/config-network, ingress-class`).toBe(ISTIO_CLASS)
    const beside = otherIngresses.length ? `; beside it are ${otherIngresses.join(' and ')}` : ''
    return (set ?? setBefore) === undefined
      ? `ingress-class is unset, which means Istio's${beside}`
      : `ingress-class is ${ingressClass}${beside}`
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
      'Set the domain as a key directly under data of ConfigMap config-domain, outside of _example',
      'Run kubectl patch configmap config-domain --type merge -p \'{"data":{"example.com":""}}\' in its namespace',
    ],
  },
  async ({ stack, expect }) => {
    const knative = await theKnative(stack)
    const map = await stack.one('v1/ConfigMap', 'config-domain', knative.namespace)
    const domains = Object.keys(knative.domains)
    const inExample = /^\s{0,2}[\w.-]+\.[a-z]+:/m.test(String(map.data?._example ?? ''))
      ? '; Knative ignores the domain inside _example'
      : ''
    const configMap = `ConfigMap ${knative.namespace}/config-domain`
    expect(domains.length > 0).toHold(`${configMap} has no domain, at least 1 key is expected${inExample}`)
    const domain = defaultDomain(knative)
    expect(domain !== undefined).toHold(
      `${configMap} has no key without a selector (${domains.join(', ')}): Services without labels are cluster-local`,
    )
    expect(!/\.svc\.|^svc\./.test(domain ?? '')).toHold(
      `${configMap}: the default domain is ${domain}, which makes every Service cluster-local`,
    )
    const { domain: expected } = stack.config.expect
    if (expected) expect(domain, `${configMap}, default domain, with expect.domain of stack.yaml`).toBe(expected)
    const others = domains.filter((each) => each !== domain)
    return `the default domain is ${domain}${others.length ? `; others are ${others.join(', ')}` : ''}`
  },
)

check(
  'knative/gateway-config',
  {
    asserts:
      'the external Gateways that config-istio names exist, select the pods of their Services, ' +
      'and serve HTTP or HTTPS on a port of those',
    guide: '1,3',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      "Set external-gateways (gateway.NAMESPACE.NAME before 1.14) in config-istio to the gateway's Service",
      "Set spec.selector of the Gateway to the labels of that Service's pods",
      'Remove a key named gateway without a NAMESPACE and NAME: Knative ignores it',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, gateways: fact } = await theKnative(stack)
    const { external } = valueOf(fact)
    expect(external.length, `ConfigMap ${namespace}/config-istio, number of external gateways`).toBeGreaterThan(0)
    expect(await gatewayTroubles(stack, external), 'External gateways of config-istio').toBeNone()
    const mappings = external.map(
      ({ namespace: own, name, service }) => `Gateway ${own}/${name} -> Service ${service.namespace}/${service.name}`,
    )
    return `${mappings.join(', ')} (${'by' in fact ? fact.by : ''})`
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
    const namespace = await stack.knative.namespace()
    const settings = await stack.knative.settings('config-autoscaler')
    await stack.one('v1/ConfigMap', 'config-autoscaler', namespace)
    expect(
      settingTroubles(settings, AUTOSCALER_SETTINGS, nearestKey),
      `ConfigMap ${namespace}/config-autoscaler`,
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
      "Look for errors about the Configuration in the log of Knative's Deployment controller",
    ],
  },
  async ({ stack, expect, measure }) => {
    const namespace = await stack.knative.namespace()
    const settings = await stack.knative.settings('config-gc')
    expect(settingTroubles(settings, GC_SETTINGS, nearestKey), `ConfigMap ${namespace}/config-gc`).toBeNone()
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
    const count = `${counted(revisions.length, 'revision')}, ${stale.length} of them past the limits (${limits})`
    return `${count}; ${keep} per Configuration are kept`
  },
)
