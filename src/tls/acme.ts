import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { X509Certificate } from 'node:crypto'
import { CLUSTER_ISSUER } from './cert-manager.ts'
import { allTrue } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CertManager } from './cert-manager.ts'

const ORDER = 'acme.cert-manager.io/v1/Order'
const CERTIFICATE = 'cert-manager.io/v1/Certificate'

/** An ACME issuer's account, and one order that it completed. */
export interface AcmeOrder {
  account: string
  state: string
  /** The kinds of challenge that the issuer has a solver for. */
  solvers: string[]
  chain: X509Certificate[]
  dnsName: string
}

/**
 * Orders a certificate from the ACME issuer in stack.yaml, in a namespace for the check, and waits until it is issued.
 * @throws StackFailure if the issuer is not Ready, or the order is not completed in time
 */
export async function orderByDns(stack: Cluster & { certManager: CertManager }): Promise<AcmeOrder> {
  const { issuer, dnsName } = stack.config.acme ?? {}
  if (!issuer || !dnsName) throw new StackFailure('stack.yaml: acme.issuer and acme.dnsName are not set.')
  const [clusterIssuer] = await stack.until({ kind: CLUSTER_ISSUER, name: issuer }, allTrue('Ready'), 'issued')
  const solvers = solversOf(clusterIssuer)
  if (!solvers.includes('dns01'))
    throw new StackFailure(
      `ClusterIssuer ${issuer}: spec.acme.solvers has no dns01 solver (found ${solvers.join(', ') || 'none'}).`,
    )
  const namespace = await stack.namespace('acme')
  const name = `${stack.runTag}.${dnsName}`
  await stack.apply({
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: 'ordered', namespace },
    spec: { secretName: 'ordered', dnsNames: [name], issuerRef: { kind: 'ClusterIssuer', name: issuer } },
  })
  await stack.until({ kind: CERTIFICATE, namespace, name: 'ordered' }, allTrue('Ready'), 'acmeOrder')
  const { items } = await stack.k8s.list(ORDER, { namespace })
  return {
    account: String(clusterIssuer?.status?.acme?.uri ?? ''),
    state: String(items[0]?.status?.state),
    solvers,
    chain: await stack.certManager.chainIn('ordered', namespace),
    dnsName: name,
  }
}

const solversOf = (issuer: KubernetesObject | undefined): string[] =>
  ((issuer?.spec?.acme?.solvers ?? []) as object[])
    .flatMap((solver) => Object.keys(solver))
    .filter((key) => key !== 'selector')
