import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { selects } from '../kube/selector.ts'
import type { Gateway } from '../survey/survey.ts'

/** A Secret that a Gateway object has a gateway show, and for whom. */
export interface CredentialUse {
  /** Where the gateway looks it up: in its own namespace. */
  namespace: string
  secret: string
  /** The Gateway object, and the hosts of its server. */
  gateway: KubernetesObject
  hosts: readonly string[]
}

interface Server {
  hosts?: string[]
  tls?: { credentialName?: string; credentialNames?: string[] }
}

/**
 * The Secrets that the servers of Gateway objects name, for each gateway whose pods an object selects: one that selects
 * none needs none.
 */
export const credentialUses = (objects: readonly KubernetesObject[], gateways: readonly Gateway[]): CredentialUse[] =>
  objects.flatMap((object) => {
    const hit = gateways.filter((gateway) => selectsPodsOf(object, gateway))
    return ((object.spec?.servers ?? []) as Server[]).flatMap(({ hosts = [], tls = {} }) => {
      const names = [tls.credentialName ?? [], tls.credentialNames ?? []].flat()
      return hit.flatMap(({ credentialNamespace }) =>
        names.flatMap((name) => {
          const secret = secretIn(name, credentialNamespace)
          return secret ? [{ namespace: credentialNamespace, secret, gateway: object, hosts }] : []
        }),
      )
    })
  })

/** An empty selector selects every gateway. */
const selectsPodsOf = ({ spec }: KubernetesObject, { workloads, role }: Gateway): boolean =>
  role !== 'egress' && workloads.some(({ podLabels }) => selects({ matchLabels: spec?.selector ?? {} }, podLabels))

/**
 * The Secret that a credentialName means: NAME, kubernetes://NAME, or kubernetes://NAMESPACE/NAME, which istiod takes
 * from the gateway's own namespace alone. Other schemes (configmap://, builtin://) name none.
 */
function secretIn(credentialName: string, namespace: string): string | undefined {
  const [, scheme, rest = credentialName] = /^([a-z-]+):\/\/(.+)$/.exec(credentialName) ?? []
  if (scheme !== undefined && scheme !== 'kubernetes') return undefined
  const [first = '', name] = rest.split('/')
  if (name === undefined) return first
  return first === namespace ? name : undefined
}

/** What a use says of itself in a failure. */
export const describeUse = ({ gateway, secret }: CredentialUse): string =>
  `${objectName(gateway)}: credentialName ${secret}`
