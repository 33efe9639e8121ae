import type { Changes } from '../cluster/changes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { externalGateways } from '../survey/surveyed.ts'
import { CERTIFICATE } from './cert-manager.ts'

export const KNATIVE_CERTIFICATE = 'networking.internal.knative.dev/v1alpha1/Certificate'
const PREFIX = 'networking.internal.knative.dev'

type Parts = Cluster & { changes: Changes }

/**
 * What Knative, net-istio and cert-manager make of certificates for the Routes of some namespaces: the certificates,
 * their Secrets, the copies of these beside the gateways, and a Gateway for each Ingress, which net-istio leaves when
 * TLS goes off. Objects of other namespaces are not read.
 */
export class CertificateObjects {
  readonly #stack: Parts
  readonly #namespaces: readonly string[]
  #existing: ReadonlySet<string> = new Set()

  private constructor(stack: Parts, namespaces: readonly string[]) {
    this.#stack = stack
    this.#namespaces = namespaces
  }

  /** Notes what there is of them now, which stays. */
  static async of(stack: Parts, namespaces: readonly string[]): Promise<CertificateObjects> {
    const objects = new CertificateObjects(stack, namespaces)
    objects.#existing = new Set((await objects.#list()).map(nameOf))
    return objects
  }

  /** Notes in the journal what was made since, for `plumbline recover`. */
  async note(): Promise<void> {
    for (const id of await this.#fresh()) this.#stack.journal.made(id)
  }

  /** Deletes what was made since, and marks it as undone in the journal. */
  async remove(): Promise<void> {
    const fresh = await this.#fresh()
    await Promise.all(fresh.map((id) => this.#stack.k8s.delete(id)))
    const ids = new Set(fresh.map(nameOf))
    for (const entry of this.#stack.journal.pending())
      if (ids.has(nameOf(entry.object))) this.#stack.journal.undone(entry.seq)
  }

  async #fresh(): Promise<ObjectId[]> {
    return (await this.#list()).filter((id) => !this.#existing.has(nameOf(id)))
  }

  async #list(): Promise<ObjectId[]> {
    const { k8s } = this.#stack
    const { served } = (await this.#stack.survey()).platform
    const gateway = `networking.istio.io/${served['networking.istio.io/Gateway'] ?? 'v1'}/Gateway`
    const beside = new Set((await externalGateways(this.#stack)).map(({ service }) => service.namespace))
    const lists = this.#namespaces.map(async (namespace) => {
      const [certificates, issued, gateways, ...copies] = await Promise.all([
        k8s.list(KNATIVE_CERTIFICATE, { namespace }),
        k8s.list(CERTIFICATE, { namespace }),
        k8s.list(gateway, { namespace, labels: `${PREFIX}/ingress` }),
        ...[...beside].map((at) =>
          k8s.list('v1/Secret', { namespace: at, labels: `${PREFIX}/originSecretNamespace=${namespace}` }),
        ),
      ])
      return [
        ...ids(KNATIVE_CERTIFICATE, certificates.items),
        ...ids(CERTIFICATE, issued.items.filter(isOfKnative)),
        ...ids(gateway, gateways.items),
        ...certificates.items.map(({ spec }) => ({ kind: 'v1/Secret', name: String(spec?.secretName), namespace })),
        ...copies.flatMap(({ items }) => ids('v1/Secret', items)),
      ]
    })
    return (await Promise.all(lists)).flat()
  }
}

const isOfKnative = ({ metadata }: KubernetesObject): boolean =>
  (metadata?.ownerReferences ?? []).some(({ apiVersion }) => apiVersion?.startsWith(`${PREFIX}/`)) ||
  metadata?.annotations?.['networking.knative.dev/certificate.class'] !== undefined

const ids = (kind: string, items: readonly KubernetesObject[]): ObjectId[] =>
  items.map(({ metadata }) => ({ kind, name: metadata?.name ?? '', namespace: metadata?.namespace }))

const nameOf = ({ kind, namespace, name }: ObjectId): string => `${kind} ${namespace}/${name}`
