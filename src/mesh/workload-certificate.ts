import type { X509Certificate } from 'node:crypto'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readCertificates } from '../traffic/certificates.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { theIstiod } from '../survey/surveyed.ts'
import type { Istio } from './istio.ts'

interface SecretsDump {
  configs?: {
    secret?: {
      name?: string
      tls_certificate?: { certificate_chain?: { inline_bytes?: string } }
      validation_context?: { trusted_ca?: { inline_bytes?: string } }
    }
  }[]
}

/**
 * The workload certificate of a pod's sidecar as a chain, its own first, and the certificates that the sidecar trusts;
 * from Envoy's config dump, which shows no key.
 * @throws StackFailure where it has none
 */
export async function workloadCertificate(
  stack: Cluster & { istio: Istio },
  pod: KubernetesObject,
): Promise<{ chain: X509Certificate[]; trusted: X509Certificate[] }> {
  const dump = JSON.parse(await stack.istio.admin(pod, '/config_dump?resource=dynamic_active_secrets')) as SecretsDump
  const secrets = (dump.configs ?? []).map(({ secret }) => secret)
  const decode = (text: string | undefined) => readCertificates(Buffer.from(text ?? '', 'base64').toString())
  const chain = secrets.flatMap((secret) =>
    secret?.name === 'default' ? decode(secret.tls_certificate?.certificate_chain?.inline_bytes) : [],
  )
  const trusted = secrets.flatMap((secret) =>
    secret?.name === 'ROOTCA' ? decode(secret.validation_context?.trusted_ca?.inline_bytes) : [],
  )
  if (chain.length === 0)
    throw new StackFailure(
      `Pod ${pod.metadata?.namespace}/${pod.metadata?.name}: its sidecar has no workload certificate.`,
    )
  return { chain, trusted }
}

/**
 * The root certificates of the mesh in a namespace, from the ConfigMap that the gateway's istiod writes into each that
 * it takes notice of; `from` names it.
 * @throws StackFailure where there is none
 */
export async function meshRoots(
  cluster: Cluster,
  namespace: string,
): Promise<{ roots: X509Certificate[]; from: string }> {
  const { rootCertConfigMap } = await theIstiod(cluster)
  const map = await cluster.k8s.find('v1/ConfigMap', rootCertConfigMap, namespace)
  const from = `ConfigMap ${namespace}/${rootCertConfigMap}`
  if (!map) throw new StackFailure(`${from} does not exist: istiod writes the mesh's root certificate into it.`)
  return { roots: readCertificates(String(map.data?.['root-cert.pem'] ?? '')), from }
}

/**
 * The root certificate of the mesh by which a namespace trusts others.
 * @throws StackFailure where there is none
 */
export async function meshRoot(cluster: Cluster, namespace: string): Promise<X509Certificate> {
  const { roots, from } = await meshRoots(cluster, namespace)
  if (!roots[0]) throw new StackFailure(`${from}: key root-cert.pem has no certificate.`)
  return roots[0]
}
