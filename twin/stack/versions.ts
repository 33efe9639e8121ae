/** The versions that the twin says it runs. */
export interface Versions {
  kubernetes: string
  istio: string
  knative: string
  'net-istio': string
  'cert-manager': string
  metallb: string
}

export const VERSIONS: Versions = {
  kubernetes: '1.34.4',
  istio: '1.31.0',
  knative: '1.22.1',
  'net-istio': '1.22.0',
  'cert-manager': '1.20.3',
  metallb: '0.15.2',
}
