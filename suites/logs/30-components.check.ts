import { check } from '../../src/check/check.ts'
import { controlPlaneLogs } from '../../src/logs/istio-logs.ts'
import {
  envoyLevels,
  istiodLevel,
  refusalOfGet,
  talkative,
  tuneEnvoyLevel,
  tuneIstiodLevel,
} from '../../src/logs/log-levels.ts'
import { unboundedLogVolumes } from '../../src/logs/log-volumes.ts'

check(
  'logs/istiod',
  {
    asserts:
      "istiod logs its pushes and the proxies' connections, and no rejected configuration; certificate work is in the proxies' logs",
    guide: '11',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/version'],
    remedy:
      'a rejected configuration (ACK ERROR) names the proxy and what it refuses, most often an EnvoyFilter; there is no line "Pushing configuration to proxies" or "Generated new workload certificate" in istiod',
  },
  async ({ stack, expect }) => {
    const { pushes, connections, rejected, certificates, reaching } = await controlPlaneLogs(stack)
    expect(pushes, 'pushes (XDS: Pushing) in the logs of istiod').toBeGreaterThan(0)
    expect(connections, 'connections of proxies (ADS: new ... connection) in the logs of istiod').toBeGreaterThan(0)
    expect(rejected, 'configuration that proxies rejected in the last 10 minutes').toBeNone()
    // A gateway's log that was rotated since its start cannot have the line any more.
    expect(
      certificates,
      'gateways whose log has the certificate that was made at their start, of those whose log reaches back to it',
    ).toBe(reaching)
    return `${pushes} pushes, ${connections} connections, nothing rejected; ${reaching ? `a workload certificate in the logs of ${certificates} gateways` : 'the log of no gateway reaches back to its start'}`
  },
)

check(
  'logs/bounded',
  {
    asserts: 'no proxy is left at debug or trace, and volumes for logs have a sizeLimit',
    guide: '11',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/pods-running'],
    remedy:
      'istioctl proxy-config log POD --level warning; give an emptyDir for logs a sizeLimit, or write to stdout and leave rotation to the kubelet',
  },
  async ({ stack, expect }) => {
    const gateways = await stack.istio.gatewayPods()
    const loud = (await Promise.all(gateways.map((pod) => talkative(stack, pod)))).flat()
    expect(loud, 'proxies that were left at debug or trace').toBeNone()
    const { volumes, unbounded } = await unboundedLogVolumes(stack)
    expect(unbounded, 'volumes for logs without a sizeLimit').toBeNone()
    return `${gateways.length} gateways at their normal levels; ${volumes ? `${volumes} volumes for logs, each with a sizeLimit` : 'no pod has a volume for logs'}`
  },
)

check(
  'logs/proxy-level',
  {
    asserts:
      "the gateway's log level goes to debug and back by its admin interface, istiod's by its own, and what they write follows",
    guide: '11',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy:
      "Envoy's /logging takes POST alone; istiod's levels are by scope (istioctl admin log POD --level ads:debug)",
  },
  async ({ stack, expect }) => {
    const [gateway] = await stack.istio.gatewayPods()
    const [istiod] = await stack.istio.istiodPods()
    const { host } = await stack.knative.hello()
    expect(await refusalOfGet(stack, gateway!), "what Envoy says of the guide's GET of /logging").toMatch(
      /405.*POST required/,
    )
    const before = { envoy: await envoyLevels(stack, gateway!), istiod: await istiodLevel(stack, istiod!, 'ads') }
    const scope = await stack.inOwnScope(async () => {
      const levels = await tuneEnvoyLevel(stack, gateway!, 'http', 'debug')
      expect(levels.http, `level of the logger http of ${gateway!.metadata?.name}`).toBe('debug')
      await stack.gatewayLog.untilDebug(gateway!, { host })
      await tuneIstiodLevel(stack, istiod!, 'ads', 'debug')
      return istiodLevel(stack, istiod!, 'ads')
    })
    expect(scope, `level of the scope ads of ${istiod!.metadata?.name}`).toBe('debug')
    expect(
      { envoy: await envoyLevels(stack, gateway!), istiod: await istiodLevel(stack, istiod!, 'ads') },
      'levels of both once they were put back',
    ).toEqual(before)
    return `debug lines of the logger http in ${gateway!.metadata?.name}; both back (http ${before.envoy.http}, ads ${before.istiod})`
  },
)
