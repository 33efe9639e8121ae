const ISTIO_NETWORKING = ['v1', 'v1beta1', 'v1alpha3']

/**
 * The kinds of others that Plumbline reads or makes, by group/kind, and the versions of each that it knows, the newest
 * first. Istio serves v1 from 1.22 on, and all older ones still (istio/istio, manifests/charts/base).
 */
export const KNOWN_KINDS: Readonly<Record<string, readonly string[]>> = {
  'networking.istio.io/Gateway': ISTIO_NETWORKING,
  'networking.istio.io/VirtualService': ISTIO_NETWORKING,
  'networking.istio.io/DestinationRule': ISTIO_NETWORKING,
  'networking.istio.io/ServiceEntry': ISTIO_NETWORKING,
  'networking.istio.io/Sidecar': ISTIO_NETWORKING,
  'networking.istio.io/EnvoyFilter': ['v1alpha3'],
  'networking.istio.io/ProxyConfig': ['v1beta1'],
  'security.istio.io/PeerAuthentication': ['v1', 'v1beta1'],
  'security.istio.io/AuthorizationPolicy': ['v1', 'v1beta1'],
  'security.istio.io/RequestAuthentication': ['v1', 'v1beta1'],
  'telemetry.istio.io/Telemetry': ['v1', 'v1alpha1'],
  'extensions.istio.io/WasmPlugin': ['v1alpha1'],
  'gateway.networking.k8s.io/Gateway': ['v1', 'v1beta1'],
  'gateway.networking.k8s.io/GatewayClass': ['v1', 'v1beta1'],
  'gateway.networking.k8s.io/HTTPRoute': ['v1', 'v1beta1'],
  'cert-manager.io/Certificate': ['v1'],
  'cert-manager.io/ClusterIssuer': ['v1'],
  'cert-manager.io/Issuer': ['v1'],
  'policy.cert-manager.io/CertificateRequestPolicy': ['v1alpha1'],
  'operator.knative.dev/KnativeServing': ['v1beta1', 'v1alpha1'],
  'sailoperator.io/IstioRevision': ['v1', 'v1alpha1'],
  'elbv2.k8s.aws/TargetGroupBinding': ['v1beta1'],
  'eks.amazonaws.com/TargetGroupBinding': ['v1'],
  'metallb.io/IPAddressPool': ['v1beta1'],
  'metallb.io/L2Advertisement': ['v1beta1'],
  'metallb.io/BGPAdvertisement': ['v1beta1'],
  'metallb.io/ServiceL2Status': ['v1beta1'],
}
