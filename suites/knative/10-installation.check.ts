import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { check } from '../../src/check/check.ts'
import { lastingTroubles } from '../../src/cluster/lasting.ts'
import type { AdmissionWebhook } from '../../src/cluster/webhooks.ts'
import type { KubernetesObject } from '../../src/core/object.ts'
import type { RepeatedError } from '../../src/knative/component-log.ts'
import { componentLogs } from '../../src/knative/component-logs.ts'
import { componentMetrics } from '../../src/knative/component-metrics.ts'
import { componentOf, isOf, requiredWorkloads } from '../../src/knative/component-pods.ts'
import { requiredComponents } from '../../src/knative/settings.ts'
import { alivePods, deploymentTroubles, readinessTroubles } from '../../src/kube/pods.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { theIstiod } from '../../src/survey/surveyed.ts'
import {
  compareMinors,
  istioTestedWith,
  minorOf,
  oldestKubernetes,
  supportOf,
  supportsKubernetes,
} from '../../src/config/supported-versions.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'knative/version',
  {
    asserts: 'Knative Serving and net-istio have the same minor version, and this Kubernetes and Istio support it',
    guide: '3',
    level: 'required',
    effect: 'reads',
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
    const istio = valueOf((await theIstiod(stack)).version)
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
      "Find the pod that is not Ready with kubectl get deployments,pods in Knative's namespace",
      'Scale a Deployment with 0 replicas up again: its HorizontalPodAutoscaler does not scale up from 0',
      'Delete the Deployment networking-istio, which net-istio before 0.24 left behind',
    ],
  },
  async ({ stack, expect, measure }) => {
    const components = await requiredWorkloads(stack, await stack.knative.version())
    const namespace = await stack.knative.namespace()
    const names = components.map(([, { name }]) => name)
    const own = (objects: KubernetesObject[]) => objects.filter(({ metadata }) => names.includes(metadata?.name ?? ''))
    const deployments = await lastingTroubles(stack, { kind: 'apps/v1/Deployment', namespace }, (all) =>
      own(all).flatMap(deploymentTroubles),
    )
    expect(deployments, 'Deployments of Knative that are not available').toBeNone()
    const ofKnative = (pods: KubernetesObject[]) =>
      pods.filter((pod) => components.some(([, workload]) => isOf(workload)(pod)))
    const unready = await lastingTroubles(stack, { kind: 'v1/Pod', namespace }, (all) =>
      readinessTroubles(ofKnative(all)),
    )
    expect(unready, `Pods of Knative in namespace ${namespace} that are not Ready`).toBeNone()
    const old = await stack.maybe('apps/v1/Deployment', 'networking-istio', namespace)
    expect(old === undefined).toHold(
      `Deployment ${namespace}/networking-istio exists: net-istio before 0.24 left it behind, and it must be deleted`,
    )
    const pods = alivePods(ofKnative(await stack.all('v1/Pod')))
    measure('pods', pods.length, 'pods')
    return `${counted(pods.length, 'pod is', 'pods are')} Ready (Deployments ${names.join(', ')})`
  },
)

/** The names of the webhooks of Serving and of its ingress layers; Eventing may be in the same namespace. */
const WEBHOOK_OF_SERVING = /(^|\.)(serving|networking\.internal)\.knative\.dev$/

check(
  'knative/webhooks',
  {
    asserts: "Knative's admission webhooks have a CA bundle, ready endpoints and failurePolicy Fail",
    guide: '8',
    level: 'required',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: [
      "If a CA bundle is missing, restart the Deployment webhook in Knative's namespace, which writes it",
      'Set failurePolicy: Fail: with Ignore the API server accepts invalid Services while the webhook is down',
    ],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.knative.namespace()
    const isKnatives = ({ name, service }: AdmissionWebhook) =>
      service.namespace === namespace && WEBHOOK_OF_SERVING.test(name)
    const knativeWebhooks = (await stack.webhooks.all()).filter(isKnatives)
    // net-istio's own configuration webhook is Fail too; any Ignore lets invalid objects through.
    const lenient = knativeWebhooks
      .filter(({ failurePolicy }) => failurePolicy !== 'Fail')
      .map(({ configuration, name, failurePolicy }) => `${configuration}/${name} is ${failurePolicy}`)
    expect(lenient, `Webhooks of Knative in ${namespace} whose failurePolicy is not Fail`).toBeNone()
    const { webhooks, configurations, troubles } = await stack.webhooks.readiness(isKnatives)
    expect(webhooks, `Admission webhooks of Knative that call a Service in namespace ${namespace}`).toBeGreaterThan(0)
    expect(troubles, "Knative's admission webhooks that cannot be called").toBeNone()
    return (
      `${counted(webhooks, 'webhook')} in ${counted(configurations, 'configuration')} ` +
      `${webhooks === 1 ? 'has' : 'have'} a CA bundle and ready endpoints`
    )
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
    const { namespace, name } = await componentOf(stack, 'controller')
    const controller = await stack.one('apps/v1/Deployment', name, namespace)
    const env = (controller.spec?.template?.spec?.containers?.[0]?.env ?? []) as { name: string; value?: string }[]
    const override = env.find(({ name }) => name === 'KUBERNETES_MIN_VERSION')?.value
    expect(override === undefined).toHold(
      `Deployment ${namespace}/${name}: env KUBERNETES_MIN_VERSION is ${override}, but must not be set`,
    )
    return `Kubernetes is ${server}; Knative Serving ${knative} requires at least ${minimum}`
  },
)

check(
  'knative/component-logs',
  {
    asserts:
      "Knative's components log structured lines at level info or above, " +
      'and no reconcile error of the platform repeats in the last 10 minutes',
    guide: '3,8',
    level: 'required',
    effect: 'reads',
    needs: ['knative/pods-running'],
    remedy: [
      'Look at the object that the error names (key knative.dev/key in the log line)',
      'Set the levels in config-logging to info if a component logs at debug',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const names = requiredComponents(await stack.knative.version())
    const namespaces = stackNamespaces(await stack.survey())
    const logs = await componentLogs(stack, names, 600)
    expect(logs.length, `Pods of Knative's Deployments, logs read`).toBeGreaterThanOrEqual(names.length)
    for (const log of logs) {
      const pod = `Pod ${log.pod}, log`
      expect(log.unstructured.slice(0, 3), `${pod}: lines that are not structured`).toBeNone()
      const levels = new Set(log.lines.map(({ level }) => level))
      expect(
        [...levels].filter((level) => !/^(INFO|WARN|WARNING|ERROR|FATAL|PANIC)$/.test(level)),
        `${pod}: levels below info`,
      ).toBeNone()
      const isTenants = ({ namespace, isObjects }: RepeatedError) => isObjects && !namespaces.has(namespace)
      const [tenants, own] = [log.repeated.filter(isTenants), log.repeated.filter((each) => !isTenants(each))]
      for (const { text, namespace } of tenants) remark(text, namespace)
      expect(
        own.map(({ text }) => text),
        `${pod}: reconcile errors that repeat`,
      ).toBeNone()
    }
    const lines = logs.reduce((sum, log) => sum + log.count, 0)
    measure('log lines of 10 minutes', lines, 'lines')
    return (
      `${counted(logs.length, 'pod')} logged ${counted(lines, 'structured line')} ` +
      `in 10 minutes; no reconcile error repeats`
    )
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
      "Restart the Deployments in Knative's namespace with kubectl rollout restart deployment",
    ],
  },
  async ({ stack, expect, remark }) => {
    const version = await stack.knative.version()
    const namespace = await stack.knative.namespace()
    if (compareMinors(version, '1.19') >= 0) {
      const settings = await stack.knative.settings('config-observability')
      for (const key of ['metrics-protocol', 'request-metrics-protocol'])
        expect(settings[key] ?? 'none', `ConfigMap ${namespace}/config-observability, ${key}`).toBe('prometheus')
    }
    const { exposed, missing, tenants, revisions } = await componentMetrics(stack, version)
    expect(missing, `Components without the metrics of Knative ${version}`).toBeNone()
    for (const { text, namespace: of } of tenants) remark(text, of)
    const skipped = revisions ? '' : '; no revision has a pod now, so queue-proxy was not checked'
    return `${exposed.join(', ')} export their metrics${skipped}`
  },
)
