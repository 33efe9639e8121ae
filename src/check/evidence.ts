import type { KubernetesObject } from '../core/object.ts'
import { stringify } from 'yaml'
import { objectName } from '../kube/kubernetes.ts'
import type { Evidence } from '../core/record.ts'
import type { Scope } from '../core/scope.ts'
import type { Cluster } from '../cluster/cluster.ts'

const OBJECTS = 8
const LOG_LINES = 40
const LONGEST = 20_000

/**
 * What a stranger wants to see after a failure: the objects that the check looked at last, the events about them, and the end of
 * the logs of those that are pods. Secrets are shown without their values. It never throws: evidence must not hide the failure.
 */
export async function gatherEvidence(cluster: Cluster, scope: Scope): Promise<Evidence[]> {
  const objects = [...scope.touched.values()].slice(-OBJECTS)
  const evidence = objects.map((object) => ({
    name: `${objectName(object)}.yaml`,
    text: cut(stringify(withoutNoise(object))),
  }))
  const [events, logs] = await Promise.all([
    eventsOf(cluster, objects).catch(noted),
    logsOf(cluster, objects).catch(noted),
  ])
  return [...evidence, ...events, ...logs]
}

const noted = (problem: unknown): Evidence[] => [
  { name: 'not gathered', text: problem instanceof Error ? problem.message : String(problem) },
]

/** An object as people read it: without managed fields, and without what is secret. */
export function withoutNoise(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  const clean: KubernetesObject = { ...object, metadata }
  delete metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
  if (object.kind === 'Secret') {
    for (const field of ['data', 'stringData']) {
      if (object[field])
        clean[field] = Object.fromEntries(Object.keys(object[field] as object).map((key) => [key, '(not shown)']))
    }
  }
  return clean
}

async function eventsOf(cluster: Cluster, objects: KubernetesObject[]): Promise<Evidence[]> {
  const namespaces = [
    ...new Set(objects.map((object) => object.metadata?.namespace).filter((name) => name !== undefined)),
  ].slice(0, 3)
  const lists = await Promise.all(namespaces.map((namespace) => cluster.k8s.list('v1/Event', { namespace })))
  return namespaces.flatMap((namespace, at) => {
    const lines = (lists[at]?.items ?? [])
      .toSorted((a, b) => String(a.lastTimestamp ?? a.eventTime).localeCompare(String(b.lastTimestamp ?? b.eventTime)))
      .slice(-30)
      .map(
        (event) =>
          `${event.lastTimestamp ?? event.eventTime} ${event.type} ${event.involvedObject?.kind}/${event.involvedObject?.name} ${event.reason}: ${event.message}`,
      )
    return lines.length ? [{ name: `events of ${namespace}`, text: cut(lines.join('\n')) }] : []
  })
}

async function logsOf(cluster: Cluster, objects: KubernetesObject[]): Promise<Evidence[]> {
  const pods = objects.filter((object) => object.kind === 'Pod').slice(-3)
  const logs = await Promise.all(
    pods.flatMap((pod) =>
      ((pod.spec?.containers ?? []) as { name: string }[]).map(async ({ name: container }) => {
        const { name = '', namespace = '' } = pod.metadata ?? {}
        const text = await cluster.k8s
          .log({ name, namespace, container }, { tail: LOG_LINES })
          .catch((problem: unknown) => String(problem))
        return { name: `log of ${namespace}/${name} ${container}`, text: cut(text) }
      }),
    ),
  )
  return logs.filter((log) => log.text)
}

const cut = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST)}\n... ${text.length - LONGEST} characters more` : text
