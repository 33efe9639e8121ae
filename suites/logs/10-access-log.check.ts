import { check } from '../../src/check/check.ts'
import { accessLogReader } from '../../src/mesh/gateway-access-log.ts'
import type { AccessLogField, AccessLogFields } from '../../src/mesh/access-log.ts'
import { uniquePath } from '../../src/mesh/gateway-log.ts'
import { refusalOf } from '../../src/kube/errors.ts'
import { telemetryTroubles } from '../../src/logs/telemetries.ts'
import { gatewayName } from '../../src/cluster/gateway-service.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { externalGateways } from '../../src/survey/surveyed.ts'

/** Requests with status 200: one of three gateways gets none of them in 1 of 3,000 runs. */
const SENT = 20

check(
  'logs/access-log-on',
  {
    asserts:
      "a request is in the gateway's access log within 10 s, with what the log's format has of method, path, status, " +
      'flags, upstream cluster and duration',
    guide: '9',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Set meshConfig.accessLogFile: /dev/stdout in the IstioOperator (the default profile does not set it)',
      "Or create a Telemetry resource with accessLogging in the gateway's namespace or in the root namespace",
    ],
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    const reader = await accessLogReader(stack)
    for (const gateway of (await externalGateways(stack)).slice(1)) {
      const { namespace, name } = gateway.service
      expect(valueOf(gateway.accessLog).length, `Access logs of the gateway ${namespace}/${name}`).toBeGreaterThan(0)
    }
    const { path, line, ms } = await stack.gatewayLog.logged({ host })
    const record = reader.read(line)
    const encoding = reader.isJson ? 'JSON' : 'text'
    expect(record !== undefined).toHold(`Access log: this line is not in the format of the gateway: ${line}`)
    const fields: AccessLogFields = {
      method: 'GET',
      path,
      response_code: '200',
      response_flags: '-',
      authority: host,
      duration: expect.stringMatching(/^\d+$/) as string,
      upstream_cluster: expect.stringMatching(/^outbound\|80\|\|hello-\d+\./) as string,
    }
    const expected = Object.fromEntries(Object.entries(fields).filter(([field]) => reader.has(field as AccessLogField)))
    expect(record, 'Access log, fields of the line').toMatchObject(expected)
    measure('time from the answer to the line', ms / 1000, 's')
    const told = Object.entries(record!).map(([field, value]) => `${field} ${value}`)
    const after = `${(ms / 1000).toFixed(1)} s after the answer`
    return `The access log (${encoding}) has the request ${after}: ${told.join(', ')}`
  },
)

check(
  'logs/telemetry-filter',
  {
    asserts:
      'with a Telemetry filter response.code >= 400 the gateway logs a 404 and no 200; without the filter it logs both',
    guide: '9,10',
    level: 'required',
    effect: 'writes',
    needs: ['logs/access-log-on', 'mesh/crds'],
    remedy: [
      'Run kubectl get telemetries -A, and keep only one that selects the gateway',
      'Put it into the namespace of the gateway or into the root namespace',
      'Write the filter in CEL on response.code and the fields of the request',
    ],
  },
  async ({ stack, expect }) => {
    const { host } = await stack.knative.hello()
    const prefix = uniquePath()
    const { namespace } = await gatewayName(stack)
    await accessLogReader(stack)
    // Only for paths of this check: all other requests are logged as before.
    const [telemetry] = await stack.fixture('logs/errors-only.yaml', {
      namespace,
      name: `plumb-errors-only-${stack.runTag}`,
      expression: `response.code >= 400 || !request.url_path.startsWith('${prefix}')`,
    })
    const countLogged = (part: string) => stack.gatewayLog.loggedBeforeErrors(host, `${prefix}/${part}`, SENT)
    const before = await countLogged('before')
    expect(before === SENT).toHold(
      `Access log without the filter: ${before} of ${SENT} requests with status 200 are logged; all are expected`,
    )
    const placed = await stack.changes.place(telemetry!)
    let round = 0
    await stack.eventually(
      'requests with status 200 missing from the access log with the filter',
      async () => {
        const lines = await countLogged(`filtered-${round++}`)
        return lines ? `${lines} of ${SENT} are still logged` : undefined
      },
      'configPush',
      { inARow: 3 },
    )
    await stack.changes.remove(placed)
    let after = 0
    await stack.eventually(
      'requests with status 200 in the access log after the filter was removed',
      async () => {
        after = await countLogged(`after-${round++}`)
        return after === SENT ? undefined : `${after} of ${SENT} are logged`
      },
      'configPush',
    )
    expect(after === SENT).toHold(
      `Access log without the filter again: ${after} of ${SENT} requests with status 200 are logged; all are expected`,
    )
    return 'With the filter the gateway logs a 404 and no 200; without it both'
  },
)

check(
  'logs/telemetry-applied',
  {
    asserts:
      'every Telemetry resource of the stack names providers that meshConfig defines, and selects at least one pod; ' +
      'those of tenants are remarks',
    guide: '10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Define the provider under meshConfig.extensionProviders',
      'Correct spec.selector (a Telemetry outside the root namespace selects pods of its own namespace only)',
    ],
  },
  async ({ stack, expect, remark }) => {
    const { troubles, count } = await telemetryTroubles(stack)
    const own = stackNamespaces(await stack.survey())
    for (const { text, namespace } of troubles.filter((each) => !own.has(each.namespace))) remark(`${text}.`, namespace)
    expect(
      troubles.filter(({ namespace }) => own.has(namespace)).map(({ text }) => text),
      'Telemetry resources without effect',
    ).toBeNone()
    // None is fine too: the mesh configuration applies then.
    return count
      ? `${count} Telemetry resources, those of the stack with a defined provider and a selected pod`
      : 'No Telemetry resources: the mesh configuration applies'
  },
)

check(
  'logs/custom-tags-refused',
  {
    asserts: "the API server refuses the guide's accessLogging.customTags of a Telemetry as an unknown field",
    guide: '9,10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: [
      'Use customTags under tracing only',
      'Add fields to access logs by meshConfig.accessLogFormat, or by an extension provider with logFormat',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace } = await gatewayName(stack)
    const [telemetry] = await stack.fixture('logs/guide-custom-tags.yaml', { namespace })
    const refusal = await refusalOf(stack.dryCreate(telemetry!))
    expect(refusal, "Refusal of the guide's Telemetry by the API server").toMatch(
      /unknown field "spec\.accessLogging\[0\]\.customTags"/,
    )
    return `The API server refuses it: ${refusal}`
  },
)
