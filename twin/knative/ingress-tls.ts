import { createHash } from 'node:crypto'
import { ownerReference, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'

interface IngressTls {
  hosts: string[]
  secretName: string
  secretNamespace: string
}

const LABEL = 'networking.internal.knative.dev'

/**
 * Copies the TLS Secrets of an Ingress to the gateway's namespace, for a Gateway.
 * @returns its name; undefined without TLS
 */
export function ensureTlsGateway(objects: Objects, ingress: KubeObject): string | undefined {
  const all = (ingress.spec.tls ?? []) as IngressTls[]
  if (all.length === 0) return undefined
  const { name, namespace } = ingress.metadata
  const servers = all.map(({ hosts, secretName, secretNamespace }, at) => {
    const origin = objects.get('secrets', secretName, secretNamespace)
    const copy = `${name}-${origin?.metadata.uid}`
    if (origin)
      objects.ensure('secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: copy,
          namespace: 'istio-system',
          labels: {
            [`${LABEL}/certificate-uid`]: origin.metadata.uid ?? '',
            [`${LABEL}/originSecretName`]: secretName,
            [`${LABEL}/originSecretNamespace`]: secretNamespace,
          },
        },
        type: 'kubernetes.io/tls',
        data: origin.data,
      })
    return {
      hosts,
      port: { name: `${namespace}/${name}:${at}`, number: 443, protocol: 'HTTPS' },
      tls: { mode: 'SIMPLE', credentialName: copy },
    }
  })
  const service = createHash('sha256').update('istio-system/istio-ingressgateway').digest('hex')
  const gateway = `${name}-${parseInt(service.slice(0, 8), 16)}`
  objects.ensure('gateways.networking.istio.io', {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: {
      name: gateway,
      ...(namespace ? { namespace } : {}),
      labels: { [`${LABEL}/ingress`]: name },
      ownerReferences: [ownerReference(ingress)],
    },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [
        ...servers,
        { hosts: all.flatMap(({ hosts }) => hosts), port: { name: 'http-server', number: 80, protocol: 'HTTP' } },
      ],
    },
  })
  return gateway
}
