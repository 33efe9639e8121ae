import type { KubeObject } from '../api/object.ts'
import type { Image } from '../kubelet/container.ts'
import { istiodOf } from '../stack/layout.ts'
import { Istiod, type IstiodContext } from './istiod.ts'

const REVISION = 'istio.io/rev'

/** The istiods of a layout, and the images of their pods and proxies: of the istiod that a pod asks for. */
export class Istiods {
  readonly #all: readonly Istiod[]
  readonly #context: IstiodContext

  constructor(context: IstiodContext) {
    this.#context = context
    this.#all = context.objects.layout.istiods.map((layout) => new Istiod(layout, context))
  }

  get image(): Image {
    return (container) => {
      const { metadata } = container.pod
      const revision = metadata.labels?.[REVISION] ?? 'default'
      const own = this.#all.find(
        ({ layout }) => layout.namespace === metadata.namespace && (layout.revision || 'default') === revision,
      )
      return (own ?? this.#all[0]!).image(container)
    }
  }

  get proxyImage(): Image {
    return (container) => this.#istiodOf(container.pod).proxyImage(container)
  }

  /** The istiod that a proxy asks: that of its pod's annotation, which injection writes, or of its label. */
  #istiodOf({ metadata: { annotations, labels } }: KubeObject): Istiod {
    const asked = annotations?.[REVISION] ?? labels?.[REVISION] ?? ''
    const layout = istiodOf(this.#context.objects.layout, asked)
    return this.#all.find((each) => each.layout === layout) ?? this.#all[0]!
  }
}
