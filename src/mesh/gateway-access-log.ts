import type { Cluster } from '../cluster/cluster.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import { valueOf } from '../survey/fact.ts'
import type { AccessLogSink, Gateway } from '../survey/survey.ts'
import { theGateway } from '../survey/surveyed.ts'
import { AccessLogReader } from './access-log.ts'

const KINDS: Readonly<Record<AccessLogSink['kind'], string>> = {
  stdout: 'its console',
  file: 'a file in the pod',
  otel: 'OpenTelemetry',
  grpc: 'an access log service',
}

/**
 * What the gateway's Envoys write to their console about every request.
 * @throws StackFailure where they log nothing at all; DoesNotApply where that is not in the pods' logs, where a filter
 * leaves requests out, or where a line does not tell which request it is about
 */
export async function accessLogReader(cluster: Cluster): Promise<AccessLogReader> {
  return readerOf(await theGateway(cluster))
}

/** As accessLogReader, of a gateway. */
export function readerOf({ service, accessLog }: Gateway): AccessLogReader {
  const name = `The gateway ${service.namespace}/${service.name}`
  const sinks = valueOf(accessLog)
  if (sinks.length === 0) throw new StackFailure(`${name}: its Envoys have no access log; one is expected.`)
  const console = sinks.filter(({ kind }) => kind === 'stdout')
  if (console.length === 0) {
    const where = [...new Set(sinks.map(({ kind }) => KINDS[kind]))].join(' and ')
    throw new DoesNotApply(`${name} logs requests to ${where} only: the logs of its pods have no line about them.`)
  }
  const whole = console.filter(({ filtered }) => !filtered)
  if (whole.length === 0)
    throw new DoesNotApply(`${name}: its access log has a filter, so it need not have a line about every request.`)
  const reader = whole.map((sink) => new AccessLogReader(sink)).find((each) => each.has('path'))
  if (!reader) {
    throw new DoesNotApply(
      `${name}: the format of its access log has no path (%REQ(:PATH)% or the like), ` +
        'so no line can be told to be about a request of ours.',
    )
  }
  return reader
}
