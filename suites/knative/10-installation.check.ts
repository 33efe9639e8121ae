import { check } from '../../src/check/check.ts'
import { componentLogs, componentMetrics } from '../../src/knative/components.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { deploymentsOf } from '../../src/knative/settings.ts'
import { deploymentTroubles, readinessTroubles } from '../../src/kube/pods.ts'
import {
  compareMinors,
  istioTestedWith,
  minorOf,
  oldestKubernetes,
  plainVersion,
  supportOf,
  supportsKubernetes,
} from '../../src/config/supported-versions.ts'

check(
  'knative/version',
  {
    asserts:
      'serving and net-istio have an equal minor version, inside the range supported on this Kubernetes and Istio',
    guide: '3',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy:
      'install net-istio of the same minor as serving (knative-extensions/net-istio, tags knative-vX.Y.Z), and an Istio that it is tested with',
  },
  async ({ stack, expect }) => {
    const serving = await stack.knative.version('controller')
    const netIstio = await stack.knative.version('net-istio-controller')
    expect(minorOf(netIstio), `minor of net-istio ${netIstio}, against serving ${serving}`).toBe(minorOf(serving))
    const { knative, 'net-istio': wantedNetIstio } = stack.config.versions
    if (knative) expect(plainVersion(serving), 'version of serving, against stack.yaml').toBe(plainVersion(knative))
    if (wantedNetIstio)
      expect(plainVersion(netIstio), 'version of net-istio, against stack.yaml').toBe(plainVersion(wantedNetIstio))
    const row = supportOf('knative', serving)
    const server = await stack.serverVersion()
    expect(
      supportsKubernetes(row, server),
      `Kubernetes ${server} in the range ${row.kubernetes} of serving ${serving}`,
    ).toBe(true)
    const tested = istioTestedWith(netIstio)
    const [istio = ''] = await stack.istio.istiodVersions()
    expect(
      compareMinors(istio, tested),
      `Istio ${istio} against ${tested}, which net-istio ${netIstio} is tested with`,
    ).toBeGreaterThanOrEqual(0)
    const newer =
      compareMinors(minorOf(istio) ?? '', tested) > 0
        ? ` (Istio ${istio} is newer than the ${tested} that it is tested with)`
        : ''
    return `serving ${serving}, net-istio ${netIstio}${newer}`
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
    asserts: 'the serving.knative.dev, networking.internal and autoscaling.internal CRDs are Established',
    guide: '3',
    level: 'required',
    effect: 'reads',
    remedy: 'kubectl apply -f serving-crds.yaml of the installed version',
  },
  async ({ stack, expect }) => {
    const served = await Promise.all(CRDS.map((name) => stack.k8s.served.versionsOf(name)))
    expect(
      CRDS.filter((_, at) => !served[at]?.length),
      'CRDs of Knative that are missing or not Established (an Established CRD is served)',
    ).toBeNone()
    return `${CRDS.length} CRDs of knative.dev are Established and served`
  },
)

check(
  'knative/pods-running',
  {
    asserts:
      "activator, autoscaler, controller, webhook and net-istio's two are Ready, under whichever names this version gives them",
    guide: '3,8',
    level: 'required',
    effect: 'reads',
    remedy:
      'kubectl -n knative-serving get deployments,pods; a deployment of zero replicas was scaled down by hand, for its autoscaler leaves zero alone',
  },
  async ({ stack, expect, measure }) => {
    const names = deploymentsOf(await stack.knative.version())
    const deployments = await Promise.all(names.map((name) => stack.one('apps/v1/Deployment', name, KNATIVE)))
    expect(deployments.flatMap(deploymentTroubles), "what Knative's deployments lack").toBeNone()
    const pods = (await stack.all('v1/Pod')).filter(
      (pod) => pod.metadata?.namespace === KNATIVE && pod.status?.phase !== 'Succeeded',
    )
    expect(readinessTroubles(pods), `pods of ${KNATIVE} that are not Ready`).toBeNone()
    const old = await stack.maybe('apps/v1/Deployment', 'networking-istio', KNATIVE)
    expect(old?.metadata?.name, 'a deployment networking-istio, which net-istio left behind in 0.24').toBeUndefined()
    measure('pods', pods.length, 'pods')
    return `${names.join(', ')}: ${pods.length} pods Ready`
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
    remedy:
      "restart the webhook's deployment: it writes its CA bundle at its start; with another failurePolicy a broken Service is accepted while it is down",
  },
  async ({ stack, expect }) => {
    const ofKnative = (await stack.webhooks.all()).filter(({ service }) => service.namespace === KNATIVE)
    // net-istio's own configuration webhook is Fail too; an Ignore anywhere lets what is refused through.
    const lenient = ofKnative
      .filter(({ failurePolicy }) => failurePolicy !== 'Fail')
      .map(({ configuration, name, failurePolicy }) => `${configuration}/${name} ${failurePolicy}`)
    expect(lenient, 'webhooks of knative-serving whose failurePolicy is not Fail').toBeNone()
    const { webhooks, configurations, troubles } = await stack.webhooks.readiness(
      ({ namespace }) => namespace === KNATIVE,
    )
    expect(webhooks, `Admission webhooks that call a Service in namespace ${KNATIVE}`).toBeGreaterThan(0)
    expect(troubles, "Knative's admission webhooks cannot be called").toBeNone()
    return `${webhooks} webhooks in ${configurations} configurations have a CA bundle and ready endpoints`
  },
)

check(
  'knative/minimum-kubernetes',
  {
    asserts: 'the server is at or above the minimum that this Knative enforces at its start',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy:
      'bring Kubernetes to that minimum before Knative: below it its pods exit at their start (KUBERNETES_MIN_VERSION only hides that)',
  },
  async ({ stack, expect }) => {
    const knative = await stack.knative.version()
    const row = supportOf('knative', knative)
    const server = await stack.serverVersion()
    expect(
      compareMinors(minorOf(server) ?? '', oldestKubernetes(row)),
      `Kubernetes ${server} against the minimum ${oldestKubernetes(row)} of serving ${knative}`,
    ).toBeGreaterThanOrEqual(0)
    const controller = await stack.one('apps/v1/Deployment', 'controller', KNATIVE)
    const env = (controller.spec?.template?.spec?.containers?.[0]?.env ?? []) as { name: string; value?: string }[]
    expect(
      env.find(({ name }) => name === 'KUBERNETES_MIN_VERSION')?.value,
      'KUBERNETES_MIN_VERSION of the controller, which overrides the minimum',
    ).toBeUndefined()
    return `Kubernetes ${server}; serving ${knative} enforces ${oldestKubernetes(row)}`
  },
)

check(
  'knative/component-logs',
  {
    asserts:
      'controller, autoscaler, activator, webhook and net-istio log structured lines at info or above, and no reconcile error repeats in the last 10 minutes',
    guide: '3,8',
    level: 'required',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: 'the line names the object by knative.dev/key; a level of debug is set in config-logging',
  },
  async ({ stack, expect, measure }) => {
    const names = deploymentsOf(await stack.knative.version())
    const logs = await componentLogs(stack, names, 600)
    expect(logs.length, 'logs read').toBeGreaterThanOrEqual(names.length)
    for (const log of logs) {
      expect(log.unstructured.slice(0, 3), `lines of ${log.pod} that are no JSON, after its start`).toBeNone()
      expect(
        [
          ...new Set(
            log.lines
              .map((line) => line.level)
              .filter((level) => !/^(INFO|WARN|WARNING|ERROR|FATAL|PANIC)$/.test(level)),
          ),
        ],
        `levels below info in the log of ${log.pod}`,
      ).toBeNone()
      expect(log.repeated, `errors of ${log.pod} that repeat`).toBeNone()
    }
    const lines = logs.reduce((sum, log) => sum + log.count, 0)
    measure('log lines of 10 minutes', lines, 'lines')
    return `${logs.length} pods, ${lines} structured lines in 10 minutes, no error that repeats`
  },
)

check(
  'knative/metrics',
  {
    asserts: 'autoscaler, activator, controller and queue-proxy expose their metrics, under the names of this version',
    guide: '3,4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy:
      'from 1.19 on the exporter is off by default: set metrics-protocol and request-metrics-protocol to prometheus in config-observability, then restart the deployments',
  },
  async ({ stack, expect }) => {
    const version = await stack.knative.version()
    if (compareMinors(version, '1.19') >= 0) {
      const settings = await stack.knative.settings('config-observability')
      expect(
        settings['metrics-protocol'] ?? 'none',
        "metrics-protocol in config-observability ('none', the default, is: off)",
      ).toBe('prometheus')
      expect(
        settings['request-metrics-protocol'] ?? 'none',
        'request-metrics-protocol in config-observability, for queue-proxy',
      ).toBe('prometheus')
    }
    const { exposed, missing, revisions } = await componentMetrics(stack, version)
    expect(missing, 'components whose metrics are not under the names of this version').toBeNone()
    return `${exposed.join(', ')} export${revisions ? '' : '; no revision has a pod now, so queue-proxy was not looked at'}`
  },
)
