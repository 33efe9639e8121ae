import { byApi, shape } from '../src/shapes/shape.ts'

const KNATIVE = 'knative-serving'
const DEPLOYMENTS = ['activator', 'autoscaler', 'controller', 'net-istio-controller', 'net-istio-webhook', 'webhook']
// What the API server calls has no sidecar on its side.
const WEBHOOKS = ['webhook', 'net-istio-webhook']

const policy = (namespace: string, name: string, spec: object) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name, namespace },
  spec,
})

shape('strict-mesh', {
  healthy: 'the mesh is STRICT, and Knative is in it',
  ...byApi(async (shaper) => {
    for (const app of WEBHOOKS)
      await shaper.make(policy(KNATIVE, app, { selector: { matchLabels: { app } }, mtls: { mode: 'PERMISSIVE' } }))
    await shaper.change('v1/Namespace', undefined, KNATIVE, { metadata: { labels: { 'istio-injection': 'enabled' } } })
    await shaper.restart(KNATIVE, ...DEPLOYMENTS)
    await shaper.make(policy('istio-system', 'default', { mtls: { mode: 'STRICT' } }))
  }),
})
