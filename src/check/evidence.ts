import type { KubernetesObject } from '../core/object.ts'
import { stringify } from 'yaml'
import { objectName } from '../kube/object-id.ts'
import type { Evidence } from '../core/record.ts'
import { keptLines, logShare } from './log-lines.ts'
import { redacted } from './redact.ts'
import { plainMessage } from '../core/problem.ts'
import type { Scope } from '../core/scope.ts'
import type { Cluster } from '../cluster/cluster.ts'

const OBJECTS = 8
const LOG_LINES = 40
// Of a busy gateway's log few lines are about our requests.
const LOOKED_THROUGH = 2000
const LONGEST = 20_000

/**
 * What a stranger wants to see after a failure: the objects that the check looked at last, the events of their
 * namespaces, and the end of the logs of those that are pods. Values of Secrets and of environment variables are left
 * out (redact.ts), and lines of log that requests of others left (log-lines.ts). It never throws: evidence must not
 * hide the failure.
 */
export async function gatherEvidence(cluster: Cluster, scope: Scope): Promise<Evidence[]> {
  const objects = [...scope.touched.values()].slice(-OBJECTS)
  const evidence = objects.map((object) => ({
    name: `${objectName(object)}.yaml`,
    text: cut(stringify(redacted(object))),
  }))
  const [events, logs] = await Promise.all([
    eventsOf(cluster, objects).catch(noted),
    logsOf(cluster, objects).catch(noted),
  ])
  return [...evidence, ...events, ...logs]
}

const noted = (problem: unknown): Evidence[] => [{ name: 'not gathered', text: plainMessage(problem) }]

async function eventsOf(cluster: Cluster, objects: KubernetesObject[]): Promise<Evidence[]> {
  const namespaces = [
    ...new Set(objects.map((object) => object.metadata?.namespace).filter((name) => name !== undefined)),
  ].slice(0, 3)
  const lists = await Promise.all(namespaces.map((namespace) => cluster.k8s.list('v1/Event', { namespace })))
  return namespaces.flatMap((namespace, at) => {
    const lines = (lists[at]?.items ?? [])
      .toSorted((a, b) => String(a.lastTimestamp ?? a.eventTime).localeCompare(String(b.lastTimestamp ?? b.eventTime)))
      .slice(-30)
      .map(({ lastTimestamp, eventTime, type, involvedObject: about, reason, message }) =>
        [lastTimestamp ?? eventTime, type, `${about?.kind}/${about?.name}`, `${reason}: ${message}`].join(' '),
      )
    return lines.length ? [{ name: `events of ${namespace}`, text: cut(lines.join('\n')) }] : []
  })
}

async function logsOf(cluster: Cluster, objects: KubernetesObject[]): Promise<Evidence[]> {
  const pods = objects.filter((object) => object.kind === 'Pod').slice(-3)
  const logs = await Promise.all(
    pods.flatMap((pod) =>
      ((pod.spec?.containers ?? []) as { name: string }[]).map(({ name }) => logOf(cluster, pod, name)),
    ),
  )
  return logs.filter((log) => log.text)
}

async function logOf(cluster: Cluster, pod: KubernetesObject, container: string): Promise<Evidence> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const title = `log of ${namespace}/${name} ${container}`
  try {
    const share = logShare(pod, container, await cluster.survey())
    if (share === 'nothing') return { name: title, text: '' }
    const tail = share === 'all' ? LOG_LINES : LOOKED_THROUGH
    const log = await cluster.k8s.log({ name, namespace, container }, { tail })
    return { name: title, text: cut(keptLines(log, share, cluster.runTag).slice(-LOG_LINES).join('\n')) }
  } catch (problem) {
    return { name: title, text: `the log was not read: ${plainMessage(problem)}` }
  }
}

const cut = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST)}\n... ${text.length - LONGEST} characters more` : text
