import type { KubeObject } from '../api/object.ts'
import type { Schema, Column } from '../api/resource.ts'
import { DEFECT_RESOURCE } from '../hook.ts'
import { schemas } from './schemas.ts'

// Group, plural, kind, versions (the stored one first), short names, n(amespaced) or c(luster), status or - for none.
const CRDS = `
networking.istio.io gateways Gateway v1,v1beta1,v1alpha3 gw n -
networking.istio.io virtualservices VirtualService v1,v1beta1,v1alpha3 vs n status
networking.istio.io destinationrules DestinationRule v1,v1beta1,v1alpha3 dr n -
networking.istio.io envoyfilters EnvoyFilter v1alpha3 - n -
networking.istio.io serviceentries ServiceEntry v1,v1beta1,v1alpha3 se n -
networking.istio.io sidecars Sidecar v1,v1beta1,v1alpha3 - n -
security.istio.io peerauthentications PeerAuthentication v1,v1beta1 pa n -
security.istio.io authorizationpolicies AuthorizationPolicy v1,v1beta1 ap n -
security.istio.io requestauthentications RequestAuthentication v1,v1beta1 ra n -
telemetry.istio.io telemetries Telemetry v1,v1alpha1 telemetry n -
serving.knative.dev services Service v1 kservice,ksvc n status
serving.knative.dev configurations Configuration v1 config,cfg n status
serving.knative.dev revisions Revision v1 rev n status
serving.knative.dev routes Route v1 rt n status
serving.knative.dev domainmappings DomainMapping v1beta1 dm n status
networking.internal.knative.dev ingresses Ingress v1alpha1 kingress,king n status
networking.internal.knative.dev serverlessservices ServerlessService v1alpha1 sks n status
networking.internal.knative.dev certificates Certificate v1alpha1 kcert n status
autoscaling.internal.knative.dev podautoscalers PodAutoscaler v1alpha1 kpa,pa n status
autoscaling.internal.knative.dev metrics Metric v1alpha1 - n status
metallb.io ipaddresspools IPAddressPool v1beta1 - n -
metallb.io l2advertisements L2Advertisement v1beta1 - n -
metallb.io bgpadvertisements BGPAdvertisement v1beta1 - n -
metallb.io servicel2statuses ServiceL2Status v1beta1 - n status
cert-manager.io certificates Certificate v1 cert,certs n status
cert-manager.io certificaterequests CertificateRequest v1 cr,crs n status
cert-manager.io issuers Issuer v1 iss n status
acme.cert-manager.io orders Order v1 - n status
acme.cert-manager.io challenges Challenge v1 - n status
cert-manager.io clusterissuers ClusterIssuer v1 ciss c status
`

const READY: Column[] = [
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
]
const COLUMNS: Record<string, Column[]> = {
  'services.serving.knative.dev': [
    { name: 'URL', type: 'string', jsonPath: '.status.url' },
    { name: 'LatestCreated', type: 'string', jsonPath: '.status.latestCreatedRevisionName' },
    { name: 'LatestReady', type: 'string', jsonPath: '.status.latestReadyRevisionName' },
    ...READY,
  ],
  'servicel2statuses.metallb.io': [{ name: 'Allocated Node', type: 'string', jsonPath: '.status.node' }],
  'routes.serving.knative.dev': [{ name: 'URL', type: 'string', jsonPath: '.status.url' }, ...READY],
  'podautoscalers.autoscaling.internal.knative.dev': [
    { name: 'DesiredScale', type: 'integer', jsonPath: '.status.desiredScale' },
    { name: 'ActualScale', type: 'integer', jsonPath: '.status.actualScale' },
    ...READY,
  ],
  'serverlessservices.networking.internal.knative.dev': [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Activators', type: 'integer', jsonPath: '.spec.numActivators' },
    ...READY,
  ],
}

/** A schema of which the twin knows no more than that it is an object. */
const OPEN: Schema = {
  type: 'object',
  properties: {
    spec: { 'x-kubernetes-preserve-unknown-fields': true },
    status: { 'x-kubernetes-preserve-unknown-fields': true },
  },
}

/** The CustomResourceDefinitions of the stack, and of the twin's own Defects. */
export function crds(): KubeObject[] {
  return [...CRDS.trim().split('\n').map(crd), crd('twin.plumbline.dev defects Defect v1 - c -')]
}

function crd(line: string): KubeObject {
  const [group = '', plural = '', kind = '', versions = '', shorts = '-', scope = 'n', status = '-'] = line.split(' ')
  const name = `${plural}.${group}`
  const columns = name === DEFECT_RESOURCE ? [] : (COLUMNS[name] ?? (status === 'status' ? READY : []))
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: scope === 'n' ? 'Namespaced' : 'Cluster',
      names: {
        kind,
        plural,
        singular: kind.toLowerCase(),
        listKind: `${kind}List`,
        ...(shorts === '-' ? {} : { shortNames: shorts.split(',') }),
        ...(group.includes('knative') ? { categories: ['all', 'knative'] } : {}),
      },
      versions: versions.split(',').map((version, at) => ({
        name: version,
        served: true,
        storage: at === 0,
        schema: { openAPIV3Schema: schemas[name] ?? OPEN },
        ...(status === 'status' ? { subresources: { status: {} } } : {}),
        ...(columns.length ? { additionalPrinterColumns: columns } : {}),
      })),
    },
  }
}
