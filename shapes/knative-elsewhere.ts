import { shape } from '../src/shapes/shape.ts'

shape('knative-elsewhere', {
  healthy: 'Knative Serving is in namespace serving',
  onTwin: { layout: { knative: { namespace: 'serving' } } },
  onKind: {
    cannot:
      "Knative's release manifest names its namespace in roles, webhooks and Services: a second one beside the first is no stack",
  },
})
