import type { KubeObject } from '../api/object.ts'

/** What a component's Deployment is made of. */
export interface DeploymentOptions {
  namespace: string
  name: string
  image: string
  version?: string
  labels?: Record<string, string>
  container?: string
  replicas?: number
  ports?: number[]
  /** Further fields of the container. */
  more?: object
  /** Further fields of the pod's spec. */
  pod?: object
  /** Labels that the selector does not have. */
  part?: Record<string, string>
  /** Annotations of the pods. */
  annotations?: Record<string, string>
}

/** The Deployment of a component: one container, labels by which its Services and budgets select it. */
export function deployment({
  namespace,
  name,
  image,
  version,
  labels = { app: name },
  container = name,
  replicas = 1,
  ports = [],
  more = {},
  pod = {},
  part = {},
  annotations,
}: DeploymentOptions): KubeObject {
  const all = { ...labels, ...part, ...(version ? { 'app.kubernetes.io/version': version } : {}) }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: all },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels: all, ...(annotations ? { annotations } : {}) },
        spec: {
          terminationGracePeriodSeconds: 5,
          ...pod,
          containers: [
            {
              name: container,
              image,
              ports: ports.map((containerPort) => ({ containerPort })),
              resources: { requests: { cpu: '20m', memory: '32Mi' } },
              ...more,
            },
          ],
        },
      },
    },
  }
}

/** The DaemonSet of a component: as its Deployment, with a pod on each node. */
export function daemonSet(options: DeploymentOptions): KubeObject {
  const { spec, ...rest } = deployment(options)
  const { replicas: _, ...perNode } = spec
  return { ...rest, kind: 'DaemonSet', spec: perNode }
}

export type ServicePort = readonly [name: string, port: number, targetPort?: number]

/** A Service; a port without a targetPort has the same one. */
export function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>>,
  ports: readonly ServicePort[],
  more: {
    type?: string
    externalTrafficPolicy?: string
    labels?: Readonly<Record<string, string>>
    annotations?: Readonly<Record<string, string>>
  } = {},
): KubeObject {
  const { type, externalTrafficPolicy, ...metadata } = more
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, ...metadata },
    spec: {
      ...(type ? { type } : {}),
      ...(externalTrafficPolicy ? { externalTrafficPolicy } : {}),
      selector,
      ports: ports.map(([portName, port, targetPort]) => ({ name: portName, port, targetPort: targetPort ?? port })),
    },
  }
}

/** A PodDisruptionBudget. */
export const budget = (
  namespace: string,
  name: string,
  bound: { minAvailable: number } | { maxUnavailable: number },
  matchLabels: Readonly<Record<string, string>>,
): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace },
  spec: { ...bound, selector: { matchLabels } },
})

/** A pod's affinity by which pods with the labels are preferably spread over the topology's domains. */
export const spreadOver = (labels: Record<string, string>, topologyKey: string) => ({
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { topologyKey, labelSelector: { matchLabels: labels } } },
      ],
    },
  },
})
