import { check } from '../../src/check/check.ts'
import { formatReader, isDefaultFormat } from '../../src/mesh/access-log.ts'
import { accessLogReader } from '../../src/mesh/gateway-access-log.ts'
import { tuneMesh } from '../../src/mesh/mesh-config.ts'
import { requireMeshFormat } from '../../src/logs/log-providers.ts'
import { podLives } from '../../src/kube/pods.ts'
import { traceSampling } from '../../src/logs/trace-sampling.ts'
import { gatewayName } from '../../src/cluster/gateway-service.ts'
import { clusterDomain } from '../../src/survey/surveyed.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'logs/encoding',
  {
    asserts: 'with accessLogEncoding JSON and with TEXT, every access log line is in that encoding',
    guide: '9,11',
    level: 'required',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy: [
      'Run istioctl proxy-status: a gateway that keeps the old encoding did not get the push',
      'Run kubectl get telemetries -A: a provider with a format of its own overrides meshConfig',
    ],
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    await requireMeshFormat(stack)
    for (const encoding of ['JSON', 'TEXT'] as const) {
      await tuneMesh(stack, { accessLogEncoding: encoding, accessLogFormat: '' })
      await stack.gatewayLog.untilInEveryGateway({ host }, `an access log line in ${encoding}`, (line) =>
        isDefaultFormat(line, encoding) ? undefined : line,
      )
      const lines = await stack.gatewayLog.linesOf({ host }, 20)
      expect(
        lines.filter((line) => !isDefaultFormat(line, encoding)),
        `Access log lines of 20 requests that are not in ${encoding}`,
      ).toBeNone()
    }
    return 'All access log lines are in the configured encoding: 20 in JSON, 20 in TEXT'
  },
)

check(
  'logs/custom-format',
  {
    asserts: 'with a custom accessLogFormat, access log lines have exactly its fields',
    guide: '9',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy: [
      'Write the format on one line: a newline in it becomes a newline in every record',
      "Use Envoy's operators only: with an unknown one the gateways reject the push (istioctl proxy-status)",
    ],
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    await requireMeshFormat(stack)
    const format = 'plumbline %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %BYTES_SENT% %DURATION% "%REQ(USER-AGENT)%"'
    const read = formatReader(format)
    await tuneMesh(stack, { accessLogEncoding: 'TEXT', accessLogFormat: `${format}\n` })
    await stack.gatewayLog.untilInEveryGateway({ host }, 'an access log line in the custom format', (line) =>
      read(line) ? undefined : line,
    )
    const { path, line, answer } = await stack.gatewayLog.logged({ host, headers: { 'user-agent': 'plumbline/1' } })
    expect(read(line), `Access log, fields of the line ${line}`).toEqual({
      'REQ(:METHOD)': 'GET',
      'REQ(:PATH)': path,
      RESPONSE_CODE: '200',
      BYTES_SENT: String(Buffer.byteLength(answer.body)),
      DURATION: expect.stringMatching(/^\d+$/) as string,
      'REQ(USER-AGENT)': 'plumbline/1',
    })
    return `The access log has exactly the fields of the custom format: ${line}`
  },
)

check(
  'logs/no-restart-needed',
  {
    asserts: 'a change of accessLogEncoding reaches the gateways without a restart of a gateway or of istiod',
    guide: '9,10',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy: [
      'Look in the log of istiod for an error in the mesh configuration: it reads its ConfigMap on every change',
      'Run istioctl proxy-status to find proxies that did not get the push',
    ],
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    await requireMeshFormat(stack)
    const listLives = async () =>
      podLives([...(await stack.istio.gatewayPods()), ...(await stack.istio.istiodPods())], stack.k8s)
    const before = await listLives()
    const other = (await accessLogReader(stack)).isJson ? 'TEXT' : 'JSON'
    await tuneMesh(stack, { accessLogEncoding: other, accessLogFormat: '' })
    const started = performance.now()
    await stack.gatewayLog.untilInEveryGateway({ host }, `an access log line in ${other}`, (line) =>
      isDefaultFormat(line, other) ? undefined : line,
    )
    const seconds = (performance.now() - started) / 1000
    expect(await listLives(), 'Gateway and istiod pods with their restarts (expected: as before)').toEqual(before)
    measure('time until every gateway logs so', seconds, 's')
    return (
      `Every gateway logs in ${other} ${seconds.toFixed(1)} s after the change; ` +
      `none of ${Object.keys(before).length} pods restarted`
    )
  },
)

check(
  'logs/sampling',
  {
    asserts: 'tracing.randomSamplingPercentage reaches the gateways, and does not reduce the access log',
    guide: '9,11',
    level: 'recommended',
    effect: 'tunes',
    needs: ['logs/access-log-on', 'mesh/crds'],
    remedy: [
      'Set randomSamplingPercentage to a number from 0 to 100',
      'Define the tracing provider under meshConfig.extensionProviders',
      'Use a filter of accessLogging to log fewer requests',
    ],
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    const namespace = await stack.namespace('sampling')
    const provider = `plumb-${stack.runTag}`
    await stack.applyFixture('logs/tracer.yaml', { namespace })
    const zipkin = { service: `tracer.${namespace}.svc.${await clusterDomain(stack)}`, port: 9411 }
    await tuneMesh(stack, ({ extensionProviders = [] }) => ({
      extensionProviders: [...extensionProviders, { name: provider, zipkin }],
    }))
    const [telemetry] = await stack.fixture('logs/sampling.yaml', {
      namespace: (await gatewayName(stack)).namespace,
      name: provider,
      provider,
      percentage: 12.5,
    })
    await stack.changes.place(telemetry!, 'shared')
    const sampled = await traceSampling(stack, (percent) => percent === 12.5)
    for (const [pod, percent] of Object.entries(sampled))
      expect(percent, `Pod ${pod}, random sampling of traces in %`).toBe(12.5)
    const lines = await stack.gatewayLog.linesOf({ host }, 20)
    expect(lines.length, 'Lines in the access log about 20 requests').toBe(20)
    return (
      `${counted(Object.keys(sampled).length, 'gateway pod samples', 'gateway pods sample')} ` +
      `` +
      `12.5 % of traces; the access log has 20 of 20 requests`
    )
  },
)
