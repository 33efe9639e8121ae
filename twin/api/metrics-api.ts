import { milliCpu, memoryBytes } from '../cluster/quantities.ts'
import { timestamp, type KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { noSuchPath, StatusError } from './status-error.ts'

/**
 * What metrics.k8s.io answers: the twin measures nothing, so usage is a share of what is asked for.
 * @throws StatusError 503 where the Service behind the APIService has no endpoint
 */
export function measure(objects: Objects, group: string, path: readonly string[]): object {
  const service = objects.list('apiservices.apiregistration.k8s.io').find((each) => each.spec.group === group)
  const { name = '', namespace = '' } = service?.spec.service ?? {}
  const endpoints = objects.get('endpoints', name as string, namespace as string)
  if (
    group !== 'metrics.k8s.io' ||
    !(endpoints?.subsets as { addresses?: unknown[] }[] | undefined)?.some((each) => each.addresses?.length)
  )
    throw new StatusError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request')
  const apiVersion = 'metrics.k8s.io/v1beta1'
  if (path.length === 0) {
    const entry = (name: string, kind: string, namespaced: boolean) => ({
      name,
      singularName: '',
      namespaced,
      kind,
      verbs: ['get', 'list'],
    })
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: [entry('nodes', 'NodeMetrics', false), entry('pods', 'PodMetrics', true)],
    }
  }
  const ofPod = (pod: KubeObject) => ({
    metadata: {
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      creationTimestamp: timestamp(),
      labels: pod.metadata.labels,
    },
    timestamp: timestamp(),
    window: '15s',
    containers: ((pod.spec.containers ?? []) as KubeObject[]).map((each) => ({
      name: each.name,
      usage: {
        cpu: `${Math.ceil(milliCpu(String(each.resources?.requests?.cpu ?? '10m')) / 5)}m`,
        memory: `${Math.ceil(memoryBytes(String(each.resources?.requests?.memory ?? '16Mi')) / 2048)}Ki`,
      },
    })),
  })
  const list = (kind: string, items: object[]) => ({ kind, apiVersion, metadata: {}, items })
  if (path[0] === 'nodes') {
    const items = objects.list('nodes').map(({ metadata }) => ({
      metadata: { name: metadata.name, creationTimestamp: timestamp() },
      timestamp: timestamp(),
      window: '15s',
      usage: { cpu: '250m', memory: '1048576Ki' },
    }))
    return path[1]
      ? { kind: 'NodeMetrics', apiVersion, ...items.find((each) => each.metadata.name === path[1]) }
      : list('NodeMetricsList', items)
  }
  const space = path[0] === 'namespaces' ? path[1] : undefined
  if (path.at(-1) !== 'pods' && path[0] !== 'pods' && path[2] !== 'pods') throw noSuchPath()
  return list(
    'PodMetricsList',
    objects
      .list('pods', space)
      .filter((pod) => pod.status?.phase === 'Running')
      .map(ofPod),
  )
}
