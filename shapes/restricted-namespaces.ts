import { actPolicy } from '../src/shapes/acted-policy.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

shape('restricted-namespaces', {
  healthy:
    'every new namespace is restricted by Pod Security, has quotas and limits, and lets no traffic in by default',
  ...byApi(actPolicy),
})
