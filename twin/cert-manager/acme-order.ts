import { ownerReference, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { namesOf } from './kinds.ts'

/**
 * Makes the Order and the Challenge of a Certificate of an ACME issuer. They become valid where a DNS-01 solver of the
 * issuer can write to Route 53.
 * @returns whether the Order is valid
 */
export function placeOrder(objects: Objects, certificate: KubeObject, issuer: KubeObject): boolean {
  const { name, namespace } = certificate.metadata
  const solvers = (issuer.spec?.acme?.solvers ?? []) as { dns01?: { route53?: object } }[]
  const isSolved = solvers.some(({ dns01 }) => dns01?.route53)
  const state = isSolved ? 'valid' : 'pending'
  const common = { ...(namespace ? { namespace } : {}), ownerReferences: [ownerReference(certificate)] }
  const issuerRef = certificate.spec.issuerRef as object
  objects.ensure('orders.acme.cert-manager.io', {
    apiVersion: 'acme.cert-manager.io/v1',
    kind: 'Order',
    metadata: { name: `${name}-1-order`, ...common },
    spec: { dnsNames: certificate.spec.dnsNames, issuerRef },
    status: { state },
  })
  objects.ensure('challenges.acme.cert-manager.io', {
    apiVersion: 'acme.cert-manager.io/v1',
    kind: 'Challenge',
    metadata: { name: `${name}-1-challenge`, ...common },
    spec: { type: 'DNS-01', dnsName: namesOf(certificate)[0], issuerRef },
    status: {
      state,
      presented: isSolved,
      ...(isSolved ? {} : { reason: 'no solver of the issuer can write to the zone' }),
    },
  })
  return isSolved
}
