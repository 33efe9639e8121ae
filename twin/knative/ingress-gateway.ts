import { createHash } from 'node:crypto'
import { ownerReference, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { KnativeGateway } from './gateways.ts'

interface IngressTls {
  hosts: string[]
  secretName: string
  secretNamespace: string
}

const LABEL = 'networking.internal.knative.dev'

/**
 * Makes the Gateway of one Ingress beside each gateway's Service: with its TLS Secrets, which are copied to the
 * gateway's namespace, and with a redirect where its HTTP option asks for one (net-istio, pkg/reconciler/ingress).
 * @returns their names, NAMESPACE/NAME; none for an Ingress with neither, which the shared Gateways serve
 */
export function ensureIngressGateways(
  objects: Objects,
  ingress: KubeObject,
  gateways: readonly KnativeGateway[],
): string[] {
  const tls = (ingress.spec.tls ?? []) as IngressTls[]
  const redirects = ingress.spec.httpOption === 'Redirected'
  const rules = (ingress.spec.rules ?? []) as { hosts: string[]; visibility: string }[]
  const hosts = rules.filter(({ visibility }) => visibility === 'ExternalIP').flatMap((rule) => rule.hosts)
  if (hosts.length === 0 || (tls.length === 0 && !redirects)) return []
  const { name, namespace } = ingress.metadata
  return gateways.map(({ service }) => {
    const [serviceName = '', serviceNamespace = ''] = service.split('.')
    const servers = tls.map((each, at) => ({
      hosts: each.hosts,
      port: { name: `${namespace}/${name}:${at}`, number: 443, protocol: 'HTTPS' },
      tls: { mode: 'SIMPLE', credentialName: copySecret(objects, ingress, each, serviceNamespace) },
    }))
    const digest = createHash('sha256').update(`${serviceNamespace}/${serviceName}`).digest('hex')
    const gateway = `${name}-${parseInt(digest.slice(0, 8), 16)}`
    const http = { hosts, port: { name: 'http-server', number: 80, protocol: 'HTTP' } }
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
        selector: objects.get('services', serviceName, serviceNamespace)?.spec?.selector ?? {},
        servers: [...servers, { ...http, ...(redirects ? { tls: { httpsRedirect: true } } : {}) }],
      },
    })
    return `${namespace}/${gateway}`
  })
}

/** Copies a TLS Secret of an Ingress to the gateway's namespace, and gives the name of the copy. */
function copySecret(objects: Objects, ingress: KubeObject, tls: IngressTls, to: string): string {
  const origin = objects.get('secrets', tls.secretName, tls.secretNamespace)
  const copy = `${ingress.metadata.name}-${origin?.metadata.uid}`
  if (origin)
    objects.ensure('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: copy,
        namespace: to,
        labels: {
          [`${LABEL}/certificate-uid`]: origin.metadata.uid ?? '',
          [`${LABEL}/originSecretName`]: tls.secretName,
          [`${LABEL}/originSecretNamespace`]: tls.secretNamespace,
        },
      },
      type: 'kubernetes.io/tls',
      data: origin.data,
    })
  return copy
}
