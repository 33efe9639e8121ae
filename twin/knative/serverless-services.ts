import { isReadyPod, ownerReference, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { KnativeHooks } from './hooks.ts'
import { SERVERLESS_SERVICES } from './kinds.ts'

interface Address {
  ip: string
  nodeName?: string
  targetRef?: { kind: string; name: string; namespace?: string; uid?: string }
}

/**
 * Makes a ServerlessService's two Services, and writes where the public one leads: to the pods in Serve mode, to the
 * activators in Proxy mode and while there is no pod; to the pods where there is no activator.
 */
export function reconcileServerlessService(
  objects: Objects,
  hooks: KnativeHooks,
  name: string,
  namespace: string | undefined,
): void {
  const serverless = objects.get(SERVERLESS_SERVICES, name, namespace)
  if (!serverless || serverless.metadata.deletionTimestamp) return
  const uid = serverless.metadata.labels?.['serving.knative.dev/revisionUID'] ?? ''
  ensureService(objects, serverless, name, 'Public', undefined)
  ensureService(objects, serverless, `${name}-private`, 'Private', { 'serving.knative.dev/revisionUID': uid })
  const pods = (objects.get('endpoints', `${name}-private`, namespace)?.subsets?.[0]?.addresses ?? []) as Address[]
  const home = objects.layout.knative.namespace
  const activators = objects
    .list('pods', home)
    .filter((pod) => pod.metadata.labels?.app === 'activator' && isReadyPod(pod))
  const chosen: Address[] = activators
    .toSorted((a, b) => String(a.status.podIP).localeCompare(String(b.status.podIP)))
    .slice(0, Number(serverless.spec.numActivators ?? activators.length))
    .map((pod) => ({
      ip: pod.status.podIP as string,
      nodeName: pod.spec.nodeName as string,
      targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: home, uid: pod.metadata.uid ?? '' },
    }))
  const serve = hooks.endpointsMode.apply(String(serverless.spec.mode)) === 'Serve'
  const addresses = (serve && pods.length) || chosen.length === 0 ? pods : chosen
  objects.ensure('endpoints', {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: labelsOf(serverless, 'Public'),
      ownerReferences: [ownerReference(serverless)],
    },
    subsets: addresses.length
      ? [
          {
            addresses,
            ports: [
              { name: 'http', port: 8012, protocol: 'TCP' },
              { name: 'https', port: 8112, protocol: 'TCP' },
            ],
          },
        ]
      : [],
  })
  const populated = addresses.length
    ? ({ status: 'True' } as const)
    : ({ status: 'Unknown', reason: 'NoHealthyBackends' } as const)
  const backed = addresses === chosen
  objects.change(
    SERVERLESS_SERVICES,
    name,
    namespace,
    (draft) => {
      draft.status = {
        observedGeneration: serverless.metadata.generation,
        serviceName: name,
        privateServiceName: `${name}-private`,
        conditions: withConditions(
          draft.status?.conditions,
          {
            type: 'ActivatorEndpointsPopulated',
            severity: 'Info',
            status: backed ? 'True' : 'False',
            reason: backed ? 'ActivatorEndpointsPopulated' : 'ActivatorEndpointsNotPopulated',
            message: backed ? 'Revision is backed by Activator' : 'Activator is not backing the revision',
          },
          { type: 'EndpointsPopulated', ...populated },
          { type: 'Ready', ...populated },
        ),
      }
    },
    'status',
  )
}

const labelsOf = (serverless: KubeObject, serviceType: string): Record<string, string> => ({
  ...serverless.metadata.labels,
  'networking.internal.knative.dev/serverlessservice': serverless.metadata.name,
  'networking.internal.knative.dev/serviceType': serviceType,
})

function ensureService(
  objects: Objects,
  serverless: KubeObject,
  name: string,
  serviceType: 'Public' | 'Private',
  selector: Record<string, string> | undefined,
): void {
  const { namespace } = serverless.metadata
  objects.ensure('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: labelsOf(serverless, serviceType),
      ownerReferences: [ownerReference(serverless)],
    },
    spec: {
      type: 'ClusterIP',
      ports: [
        { name: 'http', port: 80, targetPort: 8012 },
        { name: 'https', port: 443, targetPort: 8112 },
        ...(selector
          ? [
              { name: 'http-autometric', port: 9090, targetPort: 'http-autometric' },
              { name: 'http-usermetric', port: 9091, targetPort: 'http-usermetric' },
              { name: 'http-istio', port: 8012, targetPort: 8012 },
            ]
          : []),
      ],
      ...(selector ? { selector } : {}),
    },
  })
}
