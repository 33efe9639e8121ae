import { shape } from '../src/shapes/shape.ts'

shape('knative-elsewhere', {
  healthy: 'Knative Serving is in namespace serving',
  onTwin: { layout: { knative: { namespace: 'serving' } } },
  onKind: {
    cannot:
      "the names of Knative's webhooks are compiled in: it cannot stand in two namespaces, nor move without an end",
  },
})
