import { check } from '../../src/check/check.ts'
import { coldTrail } from '../../src/logs/cold-trail.ts'
import { untilCollected } from '../../src/logs/loki.ts'

check(
  'logs/from-zero',
  {
    asserts:
      "a cold request's trail by its path: the gateway's access log, the request logs of activator and queue-proxy, and the autoscaler's decision",
    guide: '8,9',
    level: 'required',
    effect: 'tunes',
    needs: ['logs/access-log-on'],
    remedy:
      'request logs of activator and queue-proxy are off by default: config-observability, logging.enable-request-log and logging.request-log-template',
    within: 'scalingCheck',
  },
  async ({ stack, expect, measure }) => {
    const { path, answer, trail } = await coldTrail(stack)
    expect(answer.status, 'status of the cold request').toBe(200)
    for (const { component, line } of trail) expect(line, `the line of ${component} about ${path}`).toBeDefined()
    measure('time of the cold request', answer.ms / 1000, 's')
    return `${path}: ${trail.map(({ component }) => component).join(', ')}; 200 after ${(answer.ms / 1000).toFixed(1)} s`
  },
)

check(
  'logs/collected',
  {
    asserts: 'where a collector is installed: a request by its unique path is found in Loki within a minute',
    guide: '9,11',
    level: 'recommended',
    effect: 'writes',
    requires: ['loki'],
    needs: ['logs/access-log-on'],
    remedy:
      "see that the collector runs on every node (a DaemonSet), reads the gateway's namespace, and that Loki takes what it pushes (its log, and 429 for a rate limit)",
  },
  async ({ stack, expect, measure }) => {
    const { host } = await stack.knative.hello()
    const { path } = await stack.gatewayLog.logged({ host })
    const { lines, ms } = await untilCollected(stack, path)
    expect(lines[0], `the line of ${path} in Loki`).toContain(path)
    measure('time until it was found in Loki', ms / 1000, 's')
    return `found ${(ms / 1000).toFixed(1)} s after it was logged: ${lines[0]?.slice(0, 120)}`
  },
)
