import type { KubeObject } from '../api/object.ts'

export const CERTIFICATES = 'certificates.cert-manager.io'
export const REQUESTS = 'certificaterequests.cert-manager.io'
export const ISSUERS = { ClusterIssuer: 'clusterissuers.cert-manager.io', Issuer: 'issuers.cert-manager.io' } as const

/** The names that a Certificate asks for: DNS names, IP addresses and URIs. */
export const namesOf = ({ spec }: KubeObject): string[] => [
  ...((spec.dnsNames ?? []) as string[]),
  ...((spec.ipAddresses ?? []) as string[]),
  ...((spec.uris ?? []) as string[]),
]
