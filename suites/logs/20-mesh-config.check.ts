import { check } from '../../src/check/check.ts'
import { formatReader, readAccessLog } from '../../src/mesh/access-log.ts'
import { encodingOf, meshConfig, tuneMesh } from '../../src/mesh/mesh-config.ts'
import { podLives } from '../../src/kube/pods.ts'
import { traceSampling } from '../../src/logs/trace-sampling.ts'

check(
  'logs/encoding',
  {
    asserts: 'accessLogEncoding TEXT and JSON: each line parses in the encoding that meshConfig asks for',
    guide: '9,11',
    level: 'required',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy:
      'a gateway that keeps the old encoding did not get the push: istioctl proxy-status; a Telemetry whose provider has a format of its own wins over meshConfig',
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    for (const encoding of ['JSON', 'TEXT'] as const) {
      await tuneMesh(stack, { accessLogEncoding: encoding, accessLogFormat: '' })
      await stack.gatewayLog.untilInEveryGateway({ host }, `a line in ${encoding}`, (line) =>
        readAccessLog(line, encoding) ? undefined : line,
      )
      const lines = await stack.gatewayLog.linesOf({ host }, 20)
      expect(
        lines.filter((line) => !readAccessLog(line, encoding)),
        `lines of 20 requests that do not parse as ${encoding}`,
      ).toBeNone()
    }
    return '20 lines each in JSON and TEXT, all of them parsed'
  },
)

check(
  'logs/custom-format',
  {
    asserts: 'a custom accessLogFormat gives exactly its fields',
    guide: '9',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy:
      'write the format on one line with the operators of Envoy: a newline in it becomes a newline in every record, and an unknown operator makes the gateways reject the push (istioctl proxy-status)',
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    const format = 'plumbline %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %BYTES_SENT% %DURATION% "%REQ(USER-AGENT)%"'
    const read = formatReader(format)
    await tuneMesh(stack, { accessLogEncoding: 'TEXT', accessLogFormat: `${format}\n` })
    await stack.gatewayLog.untilInEveryGateway({ host }, 'a line in the custom format', (line) =>
      read(line) ? undefined : line,
    )
    const { path, line, answer } = await stack.gatewayLog.logged({ host, headers: { 'user-agent': 'plumbline/1' } })
    expect(read(line), `the fields of ${line}`).toEqual({
      'REQ(:METHOD)': 'GET',
      'REQ(:PATH)': path,
      RESPONSE_CODE: '200',
      BYTES_SENT: String(Buffer.byteLength(answer.body)),
      DURATION: expect.stringMatching(/^\d+$/) as string,
      'REQ(USER-AGENT)': 'plumbline/1',
    })
    return line
  },
)

check(
  'logs/no-restart-needed',
  {
    asserts: 'a change of accessLogEncoding reaches the gateways without a restart of them or of istiod',
    guide: '9,10',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy:
      'istiod reads its ConfigMap anew when it changes and pushes; see its log for an error in the mesh configuration, and istioctl proxy-status for the proxies',
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    const lives = async () =>
      podLives([...(await stack.istio.gatewayPods()), ...(await stack.istio.istiodPods())], stack.k8s)
    const before = await lives()
    const other = encodingOf(await meshConfig(stack)) === 'JSON' ? 'TEXT' : 'JSON'
    await tuneMesh(stack, { accessLogEncoding: other, accessLogFormat: '' })
    const started = performance.now()
    await stack.gatewayLog.untilInEveryGateway({ host }, `a line in ${other}`, (line) =>
      readAccessLog(line, other) ? undefined : line,
    )
    const seconds = (performance.now() - started) / 1000
    expect(await lives(), 'pods of the gateway and of istiod, with their restarts, after the change').toEqual(before)
    measure('time until every gateway logs so', seconds, 's')
    return `${other} in every gateway ${seconds.toFixed(1)} s after the change; ${Object.keys(before).length} pods as they were`
  },
)

check(
  'logs/sampling',
  {
    asserts: 'tracing.randomSamplingPercentage reaches the proxies; it samples traces, and no access log',
    guide: '9,11',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on', 'mesh/crds'],
    remedy:
      'randomSamplingPercentage is a number from 0 to 100 of a provider that meshConfig.extensionProviders defines; to log less use a filter of accessLogging',
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    const namespace = await stack.namespace('sampling')
    const provider = `plumb-${stack.runTag}`
    await stack.applyFixture('logs/tracer.yaml', { namespace })
    const { extensionProviders = [] } = await meshConfig(stack)
    const zipkin = { service: `tracer.${namespace}.svc.cluster.local`, port: 9411 }
    await tuneMesh(stack, {
      extensionProviders: [...extensionProviders, { name: provider, zipkin }] as { name: string }[],
    })
    const [telemetry] = stack.fixture('logs/sampling.yaml', {
      namespace: stack.config.gateway.namespace,
      name: provider,
      provider,
      percentage: 12.5,
    })
    await stack.changes.place(telemetry!, 'shared')
    const sampled = await traceSampling(stack, (percent) => percent === 12.5)
    for (const [pod, percent] of Object.entries(sampled))
      expect(percent, `random sampling of traces in ${pod}, in %`).toBe(12.5)
    const lines = await stack.gatewayLog.linesOf({ host }, 20)
    expect(lines.length, 'requests of 20 that stand in the access log').toBe(20)
    return `12.5 % of traces in ${Object.keys(sampled).length} gateways; 20 of 20 requests in the access log`
  },
)
