import { changeMesh } from '../src/shapes/mesh-config.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const PROVIDER = {
  name: 'collector',
  envoyOtelAls: { service: 'collector.observability.svc.cluster.local', port: 4317 },
}

shape('access-log-otel', {
  healthy: 'the access log leaves the gateways by OpenTelemetry alone: nothing of it is in the logs of their pods',
  ...byApi((shaper) =>
    changeMesh(shaper, {
      accessLogFile: '',
      extensionProviders: [PROVIDER],
      defaultProviders: { accessLogging: [PROVIDER.name] },
    }),
  ),
})
