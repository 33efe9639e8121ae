import { check } from '../../src/check/check.ts'
import { readAccessLog } from '../../src/mesh/access-log.ts'
import { uniquePath } from '../../src/mesh/gateway-log.ts'
import { refusalOf } from '../../src/kube/errors.ts'
import { encodingOf, meshConfig } from '../../src/mesh/mesh-config.ts'
import { telemetryTroubles } from '../../src/logs/telemetries.ts'

/** Requests that are answered with 200; each of three gateways misses all of them but once in three thousand times. */
const SENT = 20

check(
  'logs/access-log-on',
  {
    asserts:
      "a request with a unique path stands in the gateway's access log within 10 s, with method, path, code, flags, upstream cluster and duration",
    guide: '9',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy:
      'set meshConfig.accessLogFile: /dev/stdout (the default profile does not), or a Telemetry with accessLogging',
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    const encoding = encodingOf(await meshConfig(stack))
    const { path, line, ms } = await stack.gatewayLog.logged({ host })
    const record = readAccessLog(line, encoding)
    expect(record, `the line in ${encoding}: ${line}`).toBeDefined()
    expect(record, 'what the line says').toMatchObject({
      method: 'GET',
      path,
      response_code: '200',
      response_flags: '-',
      authority: host,
      duration: expect.stringMatching(/^\d+$/) as string,
      upstream_cluster: expect.stringMatching(/^outbound\|80\|\|hello-\d+\./) as string,
    })
    measure('time from the answer to the line', ms / 1000, 's')
    return `${encoding}, ${(ms / 1000).toFixed(1)} s after the answer: ${record?.method} ${record?.response_code} ${record?.upstream_cluster} in ${record?.duration} ms`
  },
)

check(
  'logs/telemetry-filter',
  {
    asserts:
      'a Telemetry with the filter response.code >= 400 on the gateway: a 404 is logged, a 200 is not; removed: both are',
    guide: '9,10',
    level: 'required',
    effect: 'writes',
    needs: ['logs/access-log-on', 'mesh/crds'],
    remedy:
      'only one Telemetry may select the gateway, and it must stand in its namespace or the root one; a filter is CEL on response.code and request fields',
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    const mine = uniquePath()
    const { namespace } = stack.config.gateway
    // Only for paths of this check: everybody else's requests are logged as before.
    const [telemetry] = stack.fixture('logs/errors-only.yaml', {
      namespace,
      name: `plumb-errors-only-${stack.runTag}`,
      expression: `response.code >= 400 || !request.url_path.startsWith('${mine}')`,
    })
    const logged = (what: string) => stack.gatewayLog.loggedBeforeErrors(host, `${mine}/${what}`, SENT)
    expect(await logged('before'), `lines of ${SENT} requests answered with 200, before`).toBe(SENT)
    const placed = await stack.changes.place(telemetry!)
    let round = 0
    await stack.eventually(
      'a 200 that is not logged',
      async () => {
        const lines = await logged(`filtered-${round++}`)
        return lines ? `${lines} of ${SENT} are logged still` : undefined
      },
      'configPush',
      { inARow: 3 },
    )
    await stack.changes.remove(placed)
    let after = 0
    await stack.eventually(
      'a 200 that is logged again',
      async () => ((after = await logged(`after-${round++}`)) === SENT ? undefined : `${after} of ${SENT} are`),
      'configPush',
    )
    expect(after, `lines of ${SENT} requests answered with 200, after`).toBe(SENT)
    return 'with the filter the 404 alone, without it both'
  },
)

check(
  'logs/telemetry-applied',
  {
    asserts: 'each Telemetry names a provider that meshConfig defines, and selects something',
    guide: '10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy:
      'define the provider under meshConfig.extensionProviders; a Telemetry outside the root namespace is about the workloads of its own alone',
  },
  async ({ stack, expect }) => {
    const { troubles, count } = await telemetryTroubles(stack)
    expect(troubles, 'Telemetry resources without effect').toBeNone()
    // None is right too: the mesh's own settings are in force then.
    return count
      ? `${count} Telemetry resources, each with a provider that is defined`
      : 'there is no Telemetry: the mesh configuration alone decides'
  },
)

check(
  'logs/custom-tags-refused',
  {
    asserts: 'a Telemetry with accessLogging.customTags, as the guide has it, is refused as an unknown field',
    guide: '9,10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy:
      'custom tags are of tracing alone; more fields in access logs come by accessLogFormat, or by an extension provider with a logFormat',
  },
  async ({ stack, expect }) => {
    const [telemetry] = stack.fixture('logs/guide-custom-tags.yaml', { namespace: stack.config.gateway.namespace })
    const refusal = await refusalOf(stack.k8s.dryCreate(telemetry!))
    expect(refusal, "what the API server says of the guide's accessLogging.customTags").toMatch(
      /unknown field "spec\.accessLogging\[0\]\.customTags"/,
    )
    return `refused: ${refusal}`
  },
)
