import type { RequestListener } from 'node:http'
import { isTrue } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { CERTIFICATES } from './kinds.ts'

/** Serves the metrics of the controller: the end and the readiness of each Certificate. */
export const serveMetrics =
  (objects: Objects): RequestListener =>
  (_request, response) => {
    const lines = objects.list(CERTIFICATES).flatMap((certificate) => {
      const { metadata, spec, status } = certificate
      const issuer = `issuer_name="${spec.issuerRef?.name ?? ''}"`
      const labels = `name="${metadata.name}",namespace="${metadata.namespace}",${issuer}`
      const end = status?.notAfter ? new Date(String(status.notAfter)).getTime() / 1000 : 0
      const ready = isTrue(certificate, 'Ready') ? 1 : 0
      return [
        `certmanager_certificate_expiration_timestamp_seconds{${labels}} ${end}`,
        `certmanager_certificate_ready_status{condition="True",${labels}} ${ready}`,
      ]
    })
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${lines.join('\n')}\n`)
  }
