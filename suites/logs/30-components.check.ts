import { check } from '../../src/check/check.ts'
import { controlPlaneLogs } from '../../src/logs/istio-logs.ts'
import {
  envoyLevels,
  istiodLevel,
  refusalOfGet,
  verboseLoggers,
  tuneEnvoyLevel,
  tuneIstiodLevel,
} from '../../src/logs/log-levels.ts'
import { unboundedLogVolumes } from '../../src/logs/log-volumes.ts'
import { stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'logs/istiod',
  {
    asserts:
      "istiod's log has pushes, connections of proxies and no rejected configuration; the gateways' logs have their " +
      'workload certificates',
    guide: '11',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy: [
      'Read the line with ACK ERROR: it names the proxy and the configuration it rejected, most often an EnvoyFilter',
      'Do not look in istiod for "Pushing configuration to proxies" or "Generated new workload certificate": ' +
        'no version logs them there',
    ],
  },
  async ({ stack, expect, remark }) => {
    const { pushes, connections, rejected, certificates, reaching } = await controlPlaneLogs(stack)
    expect(pushes, 'Lines "XDS: Pushing" in the logs of istiod').toBeGreaterThan(0)
    expect(connections, 'Lines "ADS: new connection for node" in the logs of istiod').toBeGreaterThan(0)
    const own = stackNamespaces(await stack.survey())
    for (const { line, namespace } of rejected.filter((each) => !own.has(each.namespace)))
      remark(`A proxy rejected configuration in the last 10 minutes: ${line}.`, namespace)
    expect(
      rejected.filter(({ namespace }) => own.has(namespace)).map(({ line }) => line),
      'Configuration that proxies of the stack rejected in the last 10 minutes',
    ).toBeNone()
    // A log that was rotated since the gateway started no longer has the line.
    expect(certificates === reaching).toHold(
      `${certificates} of ${reaching} gateway logs that reach back to the start have the line ` +
        '"generated new workload certificate"; all are expected',
    )
    const certificateLogs = reaching
      ? `${counted(certificates, 'gateway log has', 'gateway logs have')} a workload certificate`
      : 'no gateway log reaches back to the start'
    return (
      `istiod logs ${counted(pushes, 'push', 'pushes')}, ${counted(connections, 'connection')}, ` +
      `` +
      `no rejected configuration; ${certificateLogs}`
    )
  },
)

check(
  'logs/bounded',
  {
    asserts: 'no gateway proxy logs at debug or trace, and every emptyDir volume for logs has a sizeLimit',
    guide: '11',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/pods-running'],
    remedy: [
      'Run istioctl proxy-config log POD --level warning for a proxy at debug or trace',
      'Set sizeLimit of an emptyDir for logs, or log to stdout, which the kubelet rotates',
    ],
  },
  async ({ stack, expect }) => {
    const gateways = await stack.istio.gatewayPods()
    const verbose = (await Promise.all(gateways.map((pod) => verboseLoggers(stack, pod)))).flat()
    expect(verbose, 'Gateway proxies that log at debug or trace').toBeNone()
    const { volumes, unbounded } = await unboundedLogVolumes(stack)
    expect(unbounded, 'emptyDir volumes for logs without a sizeLimit').toBeNone()
    const logVolumes = volumes
      ? `${counted(volumes, 'volume for logs has', 'volumes for logs have')} a sizeLimit`
      : 'no pod has a volume for logs'
    return `No logger of ${counted(gateways.length, 'gateway')} is at debug or trace; ${logVolumes}`
  },
)

check(
  'logs/proxy-level',
  {
    asserts:
      "the log levels of a gateway's Envoy and of istiod change to debug and back by their admin interfaces, and the " +
      'gateway logs at debug',
    guide: '11',
    level: 'recommended',
    effect: 'tunes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Send POST to Envoy's /logging: it refuses GET, which the guide uses",
      'Set the level of istiod by scope: istioctl admin log POD --level ads:debug',
    ],
  },
  async ({ stack, expect }) => {
    const [gateway] = await stack.istio.gatewayPods()
    const [istiod] = await stack.istio.istiodPods()
    const { host } = await stack.knative.hello()
    expect(await refusalOfGet(stack, gateway!), "Answer of Envoy to the guide's GET /logging").toMatch(
      /405.*POST required/,
    )
    const before = { envoy: await envoyLevels(stack, gateway!), istiod: await istiodLevel(stack, istiod!, 'ads') }
    const [gatewayName, istiodName] = [gateway, istiod].map((pod) => pod?.metadata?.name)
    const istiodAtDebug = await stack.inOwnScope(async () => {
      const levels = await tuneEnvoyLevel(stack, gateway!, 'http', 'debug')
      expect(levels.http, `Pod ${gatewayName}, level of logger http`).toBe('debug')
      await stack.gatewayLog.untilDebug(gateway!, { host })
      await tuneIstiodLevel(stack, istiod!, 'ads', 'debug')
      return istiodLevel(stack, istiod!, 'ads')
    })
    expect(istiodAtDebug, `Pod ${istiodName}, level of scope ads`).toBe('debug')
    expect(
      { envoy: await envoyLevels(stack, gateway!), istiod: await istiodLevel(stack, istiod!, 'ads') },
      'Log levels after they were restored (expected: those before)',
    ).toEqual(before)
    return (
      `Pod ${gatewayName} logged at debug; ` +
      `both levels are restored (Envoy http ${before.envoy.http}, istiod ads ${before.istiod})`
    )
  },
)
