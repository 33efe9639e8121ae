import { check } from '../../src/check/check.ts'
import { coldTrail } from '../../src/logs/cold-trail.ts'
import { untilCollected } from '../../src/logs/loki.ts'

check(
  'logs/from-zero',
  {
    asserts:
      "a cold request is in the gateway's access log and in the request logs of activator and queue-proxy, and the " +
      "autoscaler's log has its decision",
    guide: '8,9',
    level: 'required',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy: [
      'Set logging.enable-request-log: "true" in ConfigMap config-observability of Knative (the default is off)',
      'Set logging.request-log-template there, a Go template, to have the fields that you need',
    ],
    within: 'scalingCheck',
  },
  async ({ stack, expect, measure }) => {
    const { path, answer, trail } = await coldTrail(stack)
    expect(answer.status, `Cold request ${path}, status`).toBe(200)
    for (const { component, line } of trail) expect(line, `Log of ${component}, line about ${path}`).toBeDefined()
    measure('time of the cold request', answer.ms / 1000, 's')
    const components = trail.map(({ component }) => component).join(', ')
    return `Cold request ${path}: 200 after ${(answer.ms / 1000).toFixed(1)} s, logged by ${components}`
  },
)

check(
  'logs/collected',
  {
    asserts: "Loki has the gateway's access log line of a request within 1 minute",
    guide: '9,11',
    level: 'recommended',
    effect: 'writes',
    requires: ['loki'],
    needs: ['logs/access-log-on'],
    remedy: [
      'Run kubectl get daemonsets -A: the collector has to run on every node',
      "See that the collector's configuration includes the namespace of the gateway",
      'Read the log of the collector for refused pushes to Loki (429 is a rate limit)',
    ],
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    const { path } = await stack.gatewayLog.logged({ host })
    const { lines, ms } = await untilCollected(stack, path)
    expect(lines[0], `Loki, line about ${path}`).toContain(path)
    measure('time until it was found in Loki', ms / 1000, 's')
    return `Loki has the line ${(ms / 1000).toFixed(1)} s after it was logged: ${lines[0]?.slice(0, 120)}`
  },
)
