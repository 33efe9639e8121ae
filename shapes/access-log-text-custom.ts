import { changeMesh } from '../src/shapes/mesh-config.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const FORMAT =
  '%START_TIME% %PROTOCOL% %REQ(:AUTHORITY)% "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%" ' +
  'code=%RESPONSE_CODE% flags=%RESPONSE_FLAGS% ms=%DURATION% to=%UPSTREAM_CLUSTER%\n'

shape('access-log-text-custom', {
  healthy: "the access log is text in a format of the platform's own",
  ...byApi((shaper) => changeMesh(shaper, { accessLogFormat: FORMAT })),
})
