import { lineThat, untilLogged } from '../cluster/log-stream.ts'
import { uniquePath } from '../mesh/gateway-log.ts'
import { coldService } from '../knative/cold-service.ts'
import { tuneSetting } from '../knative/tune-setting.ts'
import type { Answer } from '../traffic/http.ts'
import { labelQuery } from '../kube/selector.ts'
import { theKnative } from '../survey/surveyed.ts'
import { podsOfRevision } from '../knative/revision.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { GatewayLog } from '../mesh/gateway-log.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { Istio } from '../mesh/istio.ts'
import type { Knative } from '../knative/knative.ts'

// Knative's own example, without what no check reads; it is a Go template.
const TEMPLATE = [
  '{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}", ',
  '"status": {{.Response.Code}}, "latency": "{{.Response.Latency}}s"}, "revision": "{{.Revision.Name}}", ',
  '"pod": "{{.Revision.PodName}}", "traceId": "{{.TraceID}}"}',
].join('')

/** The line of one component's log about a request. */
export interface TrailMark {
  component: string
  line: string | undefined
}

/**
 * Turns the request logs of activator and queue-proxy on, sends one request to a Service without a pod, and finds it in
 * the logs of every component on its way.
 * @throws StackFailure where a component does not log it in time
 */
export async function coldTrail(
  stack: Cluster & { changes: Changes; gatewayLog: GatewayLog; ingress: Ingress; istio: Istio; knative: Knative },
): Promise<{ path: string; answer: Answer; trail: TrailMark[] }> {
  await tuneSetting(stack, 'config-observability', {
    'logging.enable-request-log': 'true',
    'logging.request-log-template': TEMPLATE,
  })
  // Created after the setting: it would roll an existing Service over, and so wake it up.
  const service = await coldService(stack, 'trail', { inMesh: false })
  const since = performance.now()
  const path = uniquePath()
  const answer = await stack.ingress.send({ host: service.host, path, within: 'coldRequest' })
  const { namespace: knative, components } = await theKnative(stack)
  const podsOf = (component: string) => labelQuery({ ...components[component]?.selector })
  const find = async (component: string, namespace: string, labels: string, container: string, pattern: RegExp) => {
    const line = lineThat(({ text }) => pattern.test(text))
    await untilLogged(
      stack.k8s,
      { namespace, labels, container },
      since,
      `request ${path} in the log of ${component}`,
      line,
      'accessLogged',
    )
    return { component, line: line.found()?.text }
  }
  const request = new RegExp(`"requestUrl": ?"${path}"`)
  const gatewayLine = lineThat(({ text }) => text.includes(path))
  const [, ...others] = await Promise.all([
    stack.gatewayLog.until(since, `request ${path} in the access log`, gatewayLine),
    find('the activator', knative, podsOf('activator'), 'activator', request),
    find('queue-proxy', service.namespace, podsOfRevision(service.revision), 'queue-proxy', request),
    find(
      'the autoscaler',
      knative,
      podsOf('autoscaler'),
      'autoscaler',
      new RegExp(`Scaling from 0 to [1-9].*${service.revision}|${service.revision}.*Scaling from 0 to [1-9]`),
    ),
  ])
  return { path, answer, trail: [{ component: 'the gateway', line: gatewayLine.found()?.text }, ...others] }
}
