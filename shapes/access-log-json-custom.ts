import { changeMesh } from '../src/shapes/mesh-config.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const FORMAT = {
  at: '%START_TIME%',
  verb: '%REQ(:METHOD)%',
  uri: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  status: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  took: '%DURATION%',
  upstream: { cluster: '%UPSTREAM_CLUSTER%', host: '%UPSTREAM_HOST%' },
  host: '%REQ(:AUTHORITY)%',
}

shape('access-log-json-custom', {
  healthy: "the access log is JSON with keys of the platform's own",
  ...byApi((shaper) => changeMesh(shaper, { accessLogEncoding: 'JSON', accessLogFormat: JSON.stringify(FORMAT) })),
})
