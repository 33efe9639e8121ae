import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { X509Certificate } from 'node:crypto'
import { CLUSTER_ISSUER } from './cert-manager.ts'
import { allTrue } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CertManager } from './cert-manager.ts'

const ORDER = 'acme.cert-manager.io/v1/Order'
const CERTIFICATE = 'cert-manager.io/v1/Certificate'

/** What an ACME issuer did: its account, and one order that it completed. */
export interface AcmeOrder {
  account: string
  state: string
  /** The kinds of challenge that the order was offered and took. */
  solver: string[]
  chain: X509Certificate[]
  dnsName: string
}

/**
 * Orders a certificate of the ACME issuer that stack.yaml names, in a namespace of ours, and waits until it is issued.
 * @throws StackFailure where the issuer is not Ready, or the order is not completed in time
 */
export async function orderByDns(stack: Cluster & { certManager: CertManager }): Promise<AcmeOrder> {
  const { issuer, dnsName } = stack.config.acme ?? {}
  if (!issuer || !dnsName) throw new StackFailure('stack.yaml names no ACME issuer (acme.issuer).')
  const [found] = await stack.until({ kind: CLUSTER_ISSUER, name: issuer }, allTrue('Ready'), 'issued')
  const solver = solversOf(found)
  if (!solver.includes('dns01'))
    throw new StackFailure(`ClusterIssuer ${issuer} has no solver by DNS-01; it has ${solver.join(', ') || 'none'}.`)
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
    account: String(found?.status?.acme?.uri ?? ''),
    state: String(items[0]?.status?.state),
    solver,
    chain: await stack.certManager.chainIn('ordered', namespace),
    dnsName: name,
  }
}

const solversOf = (issuer: KubernetesObject | undefined): string[] =>
  ((issuer?.spec?.acme?.solvers ?? []) as object[])
    .flatMap((solver) => Object.keys(solver))
    .filter((key) => key !== 'selector')
