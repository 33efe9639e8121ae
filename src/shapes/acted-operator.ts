import type { KubernetesObject } from '../core/object.ts'
import { watchObjects } from '../kube/watch.ts'
import type { Shaper } from './shaper.ts'

type Settings = Readonly<Record<string, string>>

const KIND = 'operator.knative.dev/v1beta1/KnativeServing'
const CONFIG_MAP = 'v1/ConfigMap'
const LABELS = 'app.kubernetes.io/name=knative-serving'

/** The definition of KnativeServing, as far as it is acted out. */
const DEFINITION: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'knativeservings.operator.knative.dev' },
  spec: {
    group: 'operator.knative.dev',
    scope: 'Namespaced',
    names: {
      kind: 'KnativeServing',
      plural: 'knativeservings',
      singular: 'knativeserving',
      listKind: 'KnativeServingList',
    },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {} },
      },
    ],
  },
}

/**
 * Acts Knative's Operator out, as one of 1.18 or newer does: ConfigMaps of Knative have what was shipped and what
 * spec.config of the KnativeServing says, and whatever else somebody sets in one of these keys is put back at once. A
 * key that neither has stays.
 */
export async function actOperator(shaper: Shaper, namespace: string): Promise<void> {
  const { api } = shaper
  const { items } = await api.list(CONFIG_MAP, { namespace, labels: LABELS })
  const shipped = new Map(items.map(({ metadata, data }) => [metadata?.name ?? '', data as Settings]))
  await shaper.make(DEFINITION)
  await shaper.until(
    { kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition', name: DEFINITION.metadata?.name ?? '' },
    ([found]) => (isEstablished(found) ? undefined : 'it is not Established'),
    'configPush',
  )
  await shaper.make({
    apiVersion: 'operator.knative.dev/v1beta1',
    kind: 'KnativeServing',
    metadata: { name: 'knative-serving', namespace },
    spec: { config: {}, ingress: { istio: { enabled: true } } },
  })
  const operator = new Operator(shaper, namespace, shipped)
  shaper.act((signal) => operator.follow(signal))
}

const isEstablished = (definition: KubernetesObject | undefined): boolean =>
  ((definition?.status?.conditions ?? []) as { type: string; status: string }[]).some(
    ({ type, status }) => type === 'Established' && status === 'True',
  )

class Operator {
  readonly #shaper: Shaper
  readonly #namespace: string
  readonly #shipped: ReadonlyMap<string, Settings>
  /** What spec.config says of each ConfigMap, and the keys that it has said before. */
  #wanted: Record<string, Settings> = {}
  readonly #owned = new Map<string, Set<string>>()
  #maps: readonly KubernetesObject[] = []
  #work: Promise<void> = Promise.resolve()

  constructor(shaper: Shaper, namespace: string, shipped: ReadonlyMap<string, Settings>) {
    this.#shaper = shaper
    this.#namespace = namespace
    this.#shipped = shipped
  }

  /** Reconciles until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { api } = this.#shaper
    const where = { namespace: this.#namespace }
    const again = () => {
      this.#work = this.#work.then(() => (signal.aborted ? undefined : this.#reconcile()))
      return false
    }
    await Promise.all([
      watchObjects(api, { kind: KIND, ...where }, signal, ([serving]) => {
        const config = (serving?.spec?.config ?? {}) as Record<string, Settings>
        const named = Object.entries(config).map(([name, data]) => [name.replace(/^(config-)?/, 'config-'), data])
        this.#wanted = Object.fromEntries(named) as Record<string, Settings>
        return again()
      }),
      watchObjects(api, { kind: CONFIG_MAP, labels: LABELS, ...where }, signal, (maps) => {
        this.#maps = maps
        return again()
      }),
    ])
    await this.#work
  }

  async #reconcile(): Promise<void> {
    for (const { metadata, data = {} } of this.#maps) {
      const name = metadata?.name ?? ''
      const wanted: Settings = { ...this.#shipped.get(name), ...this.#wanted[name] }
      const owned = this.#owned.get(name) ?? new Set()
      const held = data as Settings
      const changed = Object.entries(wanted).filter(([key, value]) => held[key] !== value)
      const dropped = [...owned].filter((key) => !(key in wanted) && key in held).map((key) => [key, null])
      this.#owned.set(name, new Set(Object.keys(this.#wanted[name] ?? {})))
      if (changed.length + dropped.length === 0) continue
      const id = { kind: CONFIG_MAP, namespace: this.#namespace, name }
      await this.#shaper.api.patch(id, { data: Object.fromEntries([...changed, ...dropped]) })
    }
  }
}
