import { actOperator } from '../src/shapes/acted-operator.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

shape('knative-operator', {
  healthy: "Knative's Operator puts back what anybody changes in its ConfigMaps",
  ...byApi((shaper) => actOperator(shaper, 'knative-serving')),
})
