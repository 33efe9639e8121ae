import type { AdmissionRequest } from './admission-request.ts'
import type { KubeObject } from './object.ts'
import { StatusError } from './status-error.ts'

const ENFORCE = 'pod-security.kubernetes.io/enforce'

interface SecurityContext {
  allowPrivilegeEscalation?: boolean
  privileged?: boolean
  runAsNonRoot?: boolean
  capabilities?: { add?: string[]; drop?: string[] }
  seccompProfile?: { type?: string }
}

interface PodContainer {
  name: string
  securityContext?: SecurityContext
  ports?: { hostPort?: number }[]
}

/**
 * Pod Security admission: refuses a pod that the level of its namespace's label does not allow, in the API server's
 * words (k8s.io/pod-security-admission/policy). The levels are baseline and restricted.
 * @throws StatusError 403
 */
export function admitBySecurity(request: AdmissionRequest, namespace: KubeObject | undefined): void {
  const { object, operation, resource, subresource } = request
  const level = namespace?.metadata.labels?.[ENFORCE]
  if (resource.id !== 'pods' || operation !== 'CREATE' || subresource || !level || level === 'privileged') return
  const problems = [...baseline(object), ...(level === 'restricted' ? restricted(object) : [])]
  if (problems.length === 0) return
  const name = object.metadata.name || `${object.metadata.generateName ?? ''}`
  const why = `violates PodSecurity "${level}:latest": ${problems.join(', ')}`
  throw new StatusError(403, 'Forbidden', `pods "${name}" is forbidden: ${why}`, { name, kind: 'pods' })
}

const containersOf = ({ spec }: KubeObject): PodContainer[] => [
  ...((spec.initContainers ?? []) as PodContainer[]),
  ...((spec.containers ?? []) as PodContainer[]),
]

/** "containers "a", "b"", as the API server lists them. */
const listed = (containers: readonly PodContainer[]): string =>
  `container${containers.length > 1 ? 's' : ''} ${containers.map(({ name }) => JSON.stringify(name)).join(', ')}`

function baseline(pod: KubeObject): string[] {
  const containers = containersOf(pod)
  const { hostNetwork, hostPID, hostIPC, volumes = [] } = pod.spec
  const privileged = containers.filter(({ securityContext }) => securityContext?.privileged)
  const adding = containers.filter(({ securityContext }) => securityContext?.capabilities?.add?.some(isUnusual))
  const added = [...new Set(adding.flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? []))]
  const ports = containers.filter((each) => each.ports?.some(({ hostPort }) => hostPort))
  return [
    ...(hostNetwork || hostPID || hostIPC ? ['host namespaces'] : []),
    ...(privileged.length ? [`privileged (${listed(privileged)} must not set securityContext.privileged=true)`] : []),
    ...(adding.length
      ? [
          `non-default capabilities (${listed(adding)} must not include ` +
            `${added.map((each) => JSON.stringify(each)).join(', ')} in securityContext.capabilities.add)`,
        ]
      : []),
    ...((volumes as { hostPath?: object }[]).some(({ hostPath }) => hostPath) ? ['hostPath volumes'] : []),
    ...(ports.length ? [`hostPort (${listed(ports)})`] : []),
  ]
}

// Those that baseline allows are a runtime's own; of them restricted allows this one alone.
const isUnusual = (capability: string): boolean => ['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'ALL'].includes(capability)

function restricted(pod: KubeObject): string[] {
  const containers = containersOf(pod)
  const ofPod = (pod.spec.securityContext ?? {}) as SecurityContext
  const wrong = (isRight: (context: SecurityContext) => boolean) =>
    containers.filter(({ securityContext = {} }) => !isRight(securityContext))
  const escalating = wrong(({ allowPrivilegeEscalation }) => allowPrivilegeEscalation === false)
  const capable = wrong(({ capabilities }) => Boolean(capabilities?.drop?.includes('ALL')))
  const root = wrong(({ runAsNonRoot }) => runAsNonRoot ?? ofPod.runAsNonRoot ?? false)
  const open = wrong(({ seccompProfile = ofPod.seccompProfile }) =>
    ['RuntimeDefault', 'Localhost'].includes(seccompProfile?.type ?? ''),
  )
  return [
    ...(escalating.length
      ? [
          `allowPrivilegeEscalation != false (${listed(escalating)} ` +
            'must set securityContext.allowPrivilegeEscalation=false)',
        ]
      : []),
    ...(capable.length
      ? [`unrestricted capabilities (${listed(capable)} must set securityContext.capabilities.drop=["ALL"])`]
      : []),
    ...(root.length
      ? [`runAsNonRoot != true (pod or ${listed(root)} must set securityContext.runAsNonRoot=true)`]
      : []),
    ...(open.length
      ? [
          `seccompProfile (pod or ${listed(open)} ` +
            'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
        ]
      : []),
  ]
}
