import { conditionOf, type KubeObject } from './object.ts'
import type { Resource } from './resource.ts'

type Row = (object: KubeObject) => (string | number)[]

const count = (value: number | string | undefined): string => String(value ?? 0)

// Own code: these printers are in the API server's Go code only.

// What kubectl get shows of built-in kinds (pkg/printers/internalversion). Columns marked + show with -o wide.
const BUILT_IN: Record<string, [columns: string, row: Row]> = {
  pods: [
    'Name,Ready,Status,Restarts,Age,+IP,+Node,+Nominated Node,+Readiness Gates',
    (pod) => {
      const statuses = (pod.status?.containerStatuses ?? []) as { ready: boolean; restartCount: number }[]
      const total = ((pod.spec?.containers ?? []) as unknown[]).length
      const restarts = statuses.reduce((sum, each) => sum + each.restartCount, 0)
      return [
        pod.metadata.name,
        `${statuses.filter((each) => each.ready).length}/${total}`,
        podState(pod),
        restarts,
        age(pod),
        pod.status?.podIP ?? '<none>',
        pod.spec?.nodeName ?? '<none>',
        '<none>',
        '<none>',
      ]
    },
  ],
  'deployments.apps': [
    'Name,Ready,Up-to-date,Available,Age,+Containers,+Images',
    (each) => [
      each.metadata.name,
      `${count(each.status?.readyReplicas)}/${count(each.spec?.replicas)}`,
      count(each.status?.updatedReplicas),
      count(each.status?.availableReplicas),
      age(each),
      containers(each, 'name'),
      containers(each, 'image'),
    ],
  ],
  'replicasets.apps': [
    'Name,Desired,Current,Ready,Age',
    (each) => [
      each.metadata.name,
      count(each.spec?.replicas),
      count(each.status?.replicas),
      count(each.status?.readyReplicas),
      age(each),
    ],
  ],
  'daemonsets.apps': [
    'Name,Desired,Current,Ready,Up-to-date,Available,Age',
    (each) => [
      each.metadata.name,
      ...[
        'desiredNumberScheduled',
        'currentNumberScheduled',
        'numberReady',
        'updatedNumberScheduled',
        'numberAvailable',
      ].map((key) => count(each.status?.[key])),
      age(each),
    ],
  ],
  services: [
    'Name,Type,Cluster-IP,External-IP,Port(s),Age,+Selector',
    (each) => [
      each.metadata.name,
      each.spec.type,
      each.spec.clusterIP ?? '<none>',
      externalIp(each),
      ports(each),
      age(each),
      pairs(each.spec.selector),
    ],
  ],
  nodes: [
    'Name,Status,Roles,Age,Version,+Internal-IP',
    (each) => [
      each.metadata.name,
      (conditionOf(each, 'Ready')?.status === 'True' ? 'Ready' : 'NotReady') +
        (each.spec?.unschedulable ? ',SchedulingDisabled' : ''),
      roles(each),
      age(each),
      each.status?.nodeInfo?.kubeletVersion ?? '',
      each.status?.addresses?.[0]?.address ?? '<none>',
    ],
  ],
  namespaces: ['Name,Status,Age', (each) => [each.metadata.name, each.status?.phase ?? '', age(each)]],
  configmaps: [
    'Name,Data,Age',
    (each) => [each.metadata.name, Object.keys((each.data as object | undefined) ?? {}).length, age(each)],
  ],
  secrets: [
    'Name,Type,Data,Age',
    (each) => [
      each.metadata.name,
      each.type ?? 'Opaque',
      Object.keys((each.data as object | undefined) ?? {}).length,
      age(each),
    ],
  ],
  endpoints: [
    'Name,Endpoints,Age',
    (each) => [
      each.metadata.name,
      ((each.subsets ?? []) as { addresses?: { ip: string }[]; ports?: { port: number }[] }[])
        .flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => `${ip}:${subset.ports?.[0]?.port ?? ''}`))
        .join(',') || '<none>',
      age(each),
    ],
  ],
  events: [
    'Last Seen,Type,Reason,Object,Message',
    (each) => [
      since(String(each.lastTimestamp)),
      each.type,
      each.reason,
      `${String(each.involvedObject.kind).toLowerCase()}/${each.involvedObject.name}`,
      each.message,
    ],
  ],
  'poddisruptionbudgets.policy': [
    'Name,Min Available,Max Unavailable,Allowed Disruptions,Age',
    (each) => [
      each.metadata.name,
      String(each.spec.minAvailable ?? 'N/A'),
      String(each.spec.maxUnavailable ?? 'N/A'),
      count(each.status?.disruptionsAllowed),
      age(each),
    ],
  ],
  'customresourcedefinitions.apiextensions.k8s.io': [
    'Name,Created At',
    (each) => [each.metadata.name, each.metadata.creationTimestamp ?? ''],
  ],
}

const containers = (object: KubeObject, field: string): string =>
  ((object.spec?.template?.spec?.containers ?? []) as KubeObject[]).map((each) => String(each[field])).join(',')
const pairs = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>'
const ports = (service: KubeObject): string =>
  ((service.spec.ports ?? []) as { port: number; nodePort?: number; protocol: string }[])
    .map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`)
    .join(',') || '<none>'
const roles = (node: KubeObject): string =>
  Object.keys(node.metadata.labels ?? {})
    .map((key) => /^node-role\.kubernetes\.io\/(.+)$/.exec(key)?.[1])
    .filter(Boolean)
    .join(',') || '<none>'
const externalIp = (service: KubeObject): string =>
  service.spec.type === 'LoadBalancer'
    ? (service.status?.loadBalancer?.ingress?.[0]?.ip ?? '<pending>')
    : (service.spec.externalName ?? '<none>')

function podState(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating'
  const waiting = ((pod.status?.containerStatuses ?? []) as KubeObject[])
    .map((each) => each.state?.waiting?.reason as string | undefined)
    .find(Boolean)
  return waiting ?? pod.status?.phase ?? 'Unknown'
}

const age = (object: KubeObject): string => since(object.metadata.creationTimestamp ?? '')

/** A time ago as kubectl writes it: 5s, 3m, 2h, 4d. */
function since(time: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - new Date(time).getTime()) / 1000))
  if (Number.isNaN(seconds)) return '<unknown>'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** Reads '.status.conditions[?(@.type=="Ready")].status' and plain paths. */
function readJsonPath(object: KubeObject, path: string): string {
  const found = [...path.matchAll(/\.([\w-]+)|\[\?\(@\.(\w+)==['"]([^'"]+)['"]\)\]/g)].reduce<unknown>(
    (at, [, field, key, value]) => {
      if (at === undefined || at === null) return undefined
      if (field) return (at as Record<string, unknown>)[field]
      return Array.isArray(at) ? (at as Record<string, unknown>[]).find((each) => each[key ?? ''] === value) : undefined
    },
    object,
  )
  return found === undefined ? '' : typeof found === 'string' ? found : JSON.stringify(found)
}

/** The objects as the Table that kubectl get asks for. `includeObject` is Metadata, Object or None. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  resourceVersion: string,
  includeObject: string | null,
): object {
  const [names, row] = BUILT_IN[resource.id] ?? customColumns(resource)
  const columns = names.split(',').map((name) => ({
    name: name.replace('+', ''),
    type: 'string',
    format: name === 'Name' ? 'name' : '',
    description: '',
    priority: name.startsWith('+') ? 1 : 0,
  }))
  const rows = objects.map((object) => ({
    cells: row(object),
    ...(includeObject === 'None'
      ? {}
      : {
          object:
            includeObject === 'Object'
              ? object
              : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
        }),
  }))
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: columns,
    rows,
  }
}

function customColumns(resource: Resource): [string, Row] {
  const columns = (resource.columns ?? []).filter(({ name }) => name !== 'Age')
  return [
    ['Name', ...columns.map(({ name, priority }) => `${priority ? '+' : ''}${name}`), 'Age'].join(','),
    (object) => [object.metadata.name, ...columns.map(({ jsonPath }) => readJsonPath(object, jsonPath)), age(object)],
  ]
}
