import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { check } from '../../src/check/check.ts'
import { componentLogs, componentMetrics } from '../../src/knative/components.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { deploymentsOf } from '../../src/knative/settings.ts'
import { alivePods, deploymentTroubles, readinessTroubles } from '../../src/kube/pods.ts'
import {
  compareMinors,
  istioTestedWith,
  minorOf,
  oldestKubernetes,
  supportOf,
  supportsKubernetes,
} from '../../src/config/supported-versions.ts'

check(
  'knative/version',
  {
    asserts: 'Knative Serving and net-istio have the same minor version, and this Kubernetes and Istio support it',
    guide: '3',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy: [
      'Install net-istio (knative-extensions/net-istio) with the same minor version as Knative Serving',
      'Install an Istio version that this net-istio is tested with',
    ],
  },
  async ({ stack, expect }) => {
    const serving = await stack.knative.version('controller')
    const netIstio = await stack.knative.version('net-istio-controller')
    expect(minorOf(netIstio), `net-istio ${netIstio}, minor version, with Knative Serving ${serving}`).toBe(
      minorOf(serving),
    )
    const { knative, 'net-istio': wanted } = stack.config.expect.versions
    if (knative)
      expect(isVersion(serving, knative)).toHold(otherVersion('Knative Serving', serving, 'knative', knative))
    if (wanted) expect(isVersion(netIstio, wanted)).toHold(otherVersion('net-istio', netIstio, 'net-istio', wanted))
    const support = supportOf('knative', serving)
    const server = await stack.serverVersion()
    expect(supportsKubernetes(support, server)).toHold(
      `Kubernetes is ${server}; Knative Serving ${serving} supports ${support.kubernetes}`,
    )
    const tested = istioTestedWith(netIstio)
    const [istio = ''] = await stack.istio.istiodVersions()
    expect(compareMinors(istio, tested) >= 0).toHold(
      `Istio is ${istio}; net-istio ${netIstio} is tested with ${tested} and needs at least that`,
    )
    const newer =
      compareMinors(minorOf(istio) ?? '', tested) > 0
        ? `; Istio ${istio} is newer than ${tested}, which this net-istio is tested with`
        : ''
    return `Knative Serving ${serving}, net-istio ${netIstio}${newer}`
  },
)

const CRDS = [
  'services.serving.knative.dev',
  'configurations.serving.knative.dev',
  'revisions.serving.knative.dev',
  'routes.serving.knative.dev',
  'ingresses.networking.internal.knative.dev',
  'serverlessservices.networking.internal.knative.dev',
  'podautoscalers.autoscaling.internal.knative.dev',
  'metrics.autoscaling.internal.knative.dev',
]

check(
  'knative/crds',
  {
    asserts: 'the CRDs of serving.knative.dev, networking.internal and autoscaling.internal are Established',
    guide: '3',
    level: 'required',
    effect: 'reads',
    remedy: ['Run kubectl apply -f serving-crds.yaml with the file of the installed Knative version'],
  },
  async ({ stack, expect }) => {
    // The API server serves a CRD's versions once it is Established.
    const versions = await Promise.all(CRDS.map((name) => stack.k8s.served.versionsOf(name)))
    expect(
      CRDS.filter((_, at) => !versions[at]?.length),
      'CRDs of Knative that are missing or not Established',
    ).toBeNone()
    return `all ${CRDS.length} CRDs of Knative are Established`
  },
)

check(
  'knative/pods-running',
  {
    asserts: "all pods of Knative's Deployments (activator, autoscaler, controller, webhook, net-istio) are Ready",
    guide: '3,8',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Find the pod that is not Ready with kubectl -n knative-serving get deployments,pods',
      'Scale a Deployment with 0 replicas up again: its HorizontalPodAutoscaler does not scale up from 0',
      'Delete the Deployment networking-istio, which net-istio before 0.24 left behind',
    ],
  },
  async ({ stack, expect, measure }) => {
    const names = deploymentsOf(await stack.knative.version())
    const deployments = await Promise.all(names.map((name) => stack.one('apps/v1/Deployment', name, KNATIVE)))
    expect(deployments.flatMap(deploymentTroubles), 'Deployments of Knative that are not available').toBeNone()
    const pods = alivePods((await stack.all('v1/Pod')).filter((pod) => pod.metadata?.namespace === KNATIVE))
    expect(readinessTroubles(pods), `Pods in namespace ${KNATIVE} that are not Ready`).toBeNone()
    const old = await stack.maybe('apps/v1/Deployment', 'networking-istio', KNATIVE)
    expect(old === undefined).toHold(
      `Deployment ${KNATIVE}/networking-istio exists: net-istio before 0.24 left it behind, and it must be deleted`,
    )
    measure('pods', pods.length, 'pods')
    return `${pods.length} pods are Ready (Deployments ${names.join(', ')})`
  },
)

check(
  'knative/webhooks',
  {
    asserts: "Knative's admission webhooks have a CA bundle, ready endpoints and failurePolicy Fail",
    guide: '8',
    level: 'required',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: [
      'If a CA bundle is missing, run kubectl -n knative-serving rollout restart deployment webhook, which writes it',
      'Set failurePolicy: Fail: with Ignore the API server accepts invalid Services while the webhook is down',
    ],
  },
  async ({ stack, expect }) => {
    const knativeWebhooks = (await stack.webhooks.all()).filter(({ service }) => service.namespace === KNATIVE)
    // net-istio's own configuration webhook is Fail too; any Ignore lets invalid objects through.
    const lenient = knativeWebhooks
      .filter(({ failurePolicy }) => failurePolicy !== 'Fail')
      .map(({ configuration, name, failurePolicy }) => `${configuration}/${name} is ${failurePolicy}`)
    expect(lenient, `Webhooks of ${KNATIVE} whose failurePolicy is not Fail`).toBeNone()
    const { webhooks, configurations, troubles } = await stack.webhooks.readiness(
      ({ service }) => service.namespace === KNATIVE,
    )
    expect(webhooks, `Admission webhooks that call a Service in namespace ${KNATIVE}`).toBeGreaterThan(0)
    expect(troubles, "Knative's admission webhooks that cannot be called").toBeNone()
    return `${webhooks} webhooks in ${configurations} configurations have a CA bundle and ready endpoints`
  },
)

check(
  'knative/minimum-kubernetes',
  {
    asserts: 'Kubernetes is at least the version that this Knative requires at startup',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Upgrade Kubernetes to that version before you install this Knative: its pods exit at startup on an older one',
      'Remove the variable KUBERNETES_MIN_VERSION from the controller: it only hides the problem',
    ],
  },
  async ({ stack, expect }) => {
    const knative = await stack.knative.version()
    const support = supportOf('knative', knative)
    const minimum = oldestKubernetes(support)
    const server = await stack.serverVersion()
    expect(compareMinors(minorOf(server) ?? '', minimum) >= 0).toHold(
      `Kubernetes is ${server}; Knative Serving ${knative} requires at least ${minimum}`,
    )
    const controller = await stack.one('apps/v1/Deployment', 'controller', KNATIVE)
    const env = (controller.spec?.template?.spec?.containers?.[0]?.env ?? []) as { name: string; value?: string }[]
    const override = env.find(({ name }) => name === 'KUBERNETES_MIN_VERSION')?.value
    expect(override === undefined).toHold(
      `Deployment ${KNATIVE}/controller: env KUBERNETES_MIN_VERSION is ${override}, but must not be set`,
    )
    return `Kubernetes is ${server}; Knative Serving ${knative} requires at least ${minimum}`
  },
)

check(
  'knative/component-logs',
  {
    asserts:
      "Knative's components log structured lines at level info or above, " +
      'and no reconcile error repeats in the last 10 minutes',
    guide: '3,8',
    level: 'required',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: [
      'Look at the object that the error names (key knative.dev/key in the log line)',
      'Set the levels in config-logging to info if a component logs at debug',
    ],
  },
  async ({ stack, expect, measure }) => {
    const names = deploymentsOf(await stack.knative.version())
    const logs = await componentLogs(stack, names, 600)
    expect(logs.length, `Pods of Knative's Deployments, logs read`).toBeGreaterThanOrEqual(names.length)
    for (const log of logs) {
      const pod = `Pod ${KNATIVE}/${log.pod}, log`
      expect(log.unstructured.slice(0, 3), `${pod}: lines that are not JSON`).toBeNone()
      const levels = new Set(log.lines.map(({ level }) => level))
      expect(
        [...levels].filter((level) => !/^(INFO|WARN|WARNING|ERROR|FATAL|PANIC)$/.test(level)),
        `${pod}: levels below info`,
      ).toBeNone()
      expect(log.repeated, `${pod}: reconcile errors that repeat`).toBeNone()
    }
    const lines = logs.reduce((sum, log) => sum + log.count, 0)
    measure('log lines of 10 minutes', lines, 'lines')
    return `${logs.length} pods logged ${lines} structured lines in 10 minutes; no reconcile error repeats`
  },
)

check(
  'knative/metrics',
  {
    asserts: 'autoscaler, activator, controller and queue-proxy export their metrics under the names of this version',
    guide: '3,4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: [
      'From Knative 1.19 on, set metrics-protocol and request-metrics-protocol to prometheus in config-observability',
      'Restart the Deployments with kubectl -n knative-serving rollout restart deployment',
    ],
  },
  async ({ stack, expect }) => {
    const version = await stack.knative.version()
    if (compareMinors(version, '1.19') >= 0) {
      const settings = await stack.knative.settings('config-observability')
      for (const key of ['metrics-protocol', 'request-metrics-protocol'])
        expect(settings[key] ?? 'none', `ConfigMap ${KNATIVE}/config-observability, ${key}`).toBe('prometheus')
    }
    const { exposed, missing, revisions } = await componentMetrics(stack, version)
    expect(missing, `Components without the metrics of Knative ${version}`).toBeNone()
    const skipped = revisions ? '' : '; no revision has a pod now, so queue-proxy was not checked'
    return `${exposed.join(', ')} export their metrics${skipped}`
  },
)
