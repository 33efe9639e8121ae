import { changeMesh } from '../src/shapes/mesh-config.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const KNOWN = ['istio-system', 'knative-serving', 'plumbline']

shape('discovery-selectors', {
  healthy: 'istiod knows only the namespaces with a label of the platform',
  ...byApi(async (shaper) => {
    const labels = { 'platform.test/mesh': 'enabled' }
    for (const name of KNOWN) await shaper.change('v1/Namespace', undefined, name, { metadata: { labels } })
    await changeMesh(shaper, { discoverySelectors: [{ matchLabels: labels }] })
  }),
})
