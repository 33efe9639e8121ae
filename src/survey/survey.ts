import type { Maker } from '../config/load-balancer-makers.ts'
import type { Fact } from './fact.ts'

export type Labels = Readonly<Record<string, string>>

/** An object of a kind that the context tells. */
export interface Ref {
  namespace: string
  name: string
}

/** Who installed an object, and whether they put back what others change in it. */
export interface Owner {
  kind: 'argocd' | 'flux' | 'helm' | 'operator' | 'eks-addon' | 'aks' | 'sail'
  name?: string
  reverts: boolean
}

/** What makes pods. */
export interface Workload extends Ref {
  kind: 'Deployment' | 'DaemonSet' | 'StatefulSet' | 'Rollout'
  /** The pods that it wants: spec.replicas, or a DaemonSet's desiredNumberScheduled. */
  replicas: number
  /** The labels of its pod template. */
  podLabels: Labels
  /** Its selector's matchLabels. */
  selector: Labels
  /** By a label or its image; not there where neither tells it. */
  version?: string
  /** The HorizontalPodAutoscaler that scales it. */
  hpa?: { name: string; min: number; max: number }
  owner?: Owner
}

/** The mesh configuration as istiod uses it: defaults, file and ConfigMaps merged. */
export interface MeshConfig {
  accessLogFile?: string
  accessLogEncoding?: 'TEXT' | 'JSON'
  accessLogFormat?: string
  extensionProviders?: ({ name: string } & Record<string, unknown>)[]
  defaultProviders?: Record<string, string[]>
  defaultConfig?: Record<string, unknown>
  rootNamespace?: string
  trustDomain?: string
  discoverySelectors?: LabelSelector[]
  [field: string]: unknown
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

/** One istiod: a control plane of one revision. */
export interface Istiod {
  /** `default` where it has none. */
  revision: string
  /** The revision tags that point at it. */
  tags: string[]
  workload: Workload
  /** As its pods answer at /version, without the build: '1.31.0'. */
  version: Fact<string>
  ports: { debug: number; ctrlz: number }
  mesh: Fact<MeshConfig>
  /** The ConfigMap from which it reads the mesh configuration, and who would put a change of ours back. */
  meshConfigMap: Fact<Ref & { owner?: Owner }>
  rootNamespace: string
  discoverySelectors: LabelSelector[]
  /** Whether it signs workload certificates itself (ENABLE_CA_SERVER). */
  signsCertificates: boolean
  /** Whether it logs JSON (--log_as_json). */
  jsonLogs: boolean
  /** The ConfigMap of each namespace that has its root certificate. */
  rootCertConfigMap: string
}

/** Labels that give a fresh namespace a sidecar, or `none` where every namespace gets one unasked. */
export interface Injection {
  labels: Labels
  /** The istiod (namespace/name of its workload) whose sidecars these are. */
  istiod: string
  byDefault: boolean
}

export interface Ambient {
  ztunnel?: Workload
  cni?: Workload
  waypoints: Ref[]
}

/** A port of a gateway's Service. */
export interface GatewayPort {
  name?: string
  port: number
  /** The port of the pod, a name resolved. */
  target: number
  nodePort?: number
}

/** An access log of a gateway, as its Envoy has it. */
export interface AccessLogSink {
  kind: 'stdout' | 'file' | 'otel' | 'grpc'
  path?: string
  /** A format string of Envoy. */
  text?: string
  /** Keys with their operators, as '%RESPONSE_CODE%'; nested objects where they are. */
  json?: Record<string, unknown>
  /** Whether only some requests are logged. */
  filtered: boolean
}

/** Who makes the load balancer of a gateway's Service, and what came of it. */
export interface LoadBalancer {
  maker: Maker
  /** spec.loadBalancerClass. */
  class?: string
  controller?: Workload & { clusterName?: string }
  /** MetalLB's speakers. */
  speakers?: Workload
  mode?: 'l2' | 'bgp'
  pool?: string
  /** The nodes that announce its address. */
  announcers: string[]
  /** What status.loadBalancer has; hostnames or IPs. */
  addresses: string[]
}

/** The Service of a gateway with the pods behind it. */
export interface Gateway {
  /**
   * certified: it carries our requests. external, local: config-istio names it too. egress: it only lets traffic out.
   * other: none of these.
   */
  role: 'certified' | 'external' | 'local' | 'egress' | 'other'
  service: Ref & { type: string; selector: Labels; externalTrafficPolicy: string; sessionAffinity: string }
  ports: GatewayPort[]
  /** What a Gateway object of ours selects it by: labels that its pods share and no other gateway's pods have. */
  labels: Labels
  workloads: Workload[]
  managedBy: 'manifest' | 'gateway-api' | 'operator'
  /** The ports on which its Envoys listen, by the Service's port; a port without a listener is not among them. */
  listens: Fact<Record<number, number>>
  statusPort: number
  adminPort: number
  hostNetwork: boolean
  proxyProtocol: Fact<boolean>
  /** namespace/name of the workload of the istiod that configures it. */
  istiod: Fact<string>
  /** Where Secrets of its Gateways are looked up. */
  credentialNamespace: string
  accessLog: Fact<AccessLogSink[]>
  balancer: Fact<LoadBalancer>
}

/** One of the lists in config-istio, or its default. */
export interface KnativeGateway extends Ref {
  /** Namespace and name of its Service. */
  service: Ref
  labelSelector?: LabelSelector
}

export type IngressLayer = 'istio' | 'gateway-api' | 'kourier' | 'contour' | 'other'

/** How one setting of Knative is changed so that it lasts: in which object, at which path. */
export type Tuning = { object: { kind: string } & Ref; path: string[] } | { refused: string }

export interface KnativeFacts {
  namespace: string
  version: Fact<string>
  /** Its Operator's KnativeServing, where it has one, and who else puts changes back. */
  serving?: Ref
  owner?: Owner
  /** Deployments by what they are: activator, autoscaler, autoscaler-hpa, controller, webhook, net-istio-controller… */
  components: Readonly<Record<string, Workload>>
  ingress: Fact<IngressLayer>
  /** The value of ingress-class that decides for a Service without an annotation. */
  ingressClass: string
  /** Ingress layers that stand beside it. */
  otherIngresses: IngressLayer[]
  /** Entries of config-domain: domain to selector. */
  domains: Readonly<Record<string, Labels>>
  domainTemplate: string
  tagTemplate: string
  scheme: 'http' | 'https'
  httpProtocol: 'enabled' | 'disabled' | 'redirected'
  externalDomainTls: boolean
  gateways: Fact<{ external: KnativeGateway[]; local: KnativeGateway[] }>
}

export interface CertManagerFacts {
  namespace: string
  version: Fact<string>
  /** controller, webhook, cainjector: those that are there. */
  components: Readonly<Record<string, Workload>>
  /** Where a ClusterIssuer's secrets are looked up. */
  issuerSecretsIn: Fact<string>
  approval: 'auto' | 'policy'
  istioCsr?: Workload
}

export type MutualTlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE'

/** What istiod reads in one PeerAuthentication; the oldest wins where several select the same. */
export interface PeerPolicy extends Ref {
  /** Undefined where it is UNSET: the next wider policy decides. */
  mode?: MutualTlsMode
  /** The pods it is for; undefined for all of its namespace, or of the mesh in the root namespace. */
  selector?: Labels
  ports: Readonly<Record<number, MutualTlsMode>>
  createdAt: string
}

/** Mutual TLS as it is set: `modeFor` in mutual-tls.ts composes it as istiod does. */
export interface MutualTls {
  rootNamespace: string
  policies: PeerPolicy[]
}

/** What admission does to a namespace of ours and to what we put in it. */
export interface Admission {
  /** Labels that our namespaces need besides those of stack.yaml (discoverySelectors). */
  namespaceLabels: Labels
  /** What would be refused: the fixture or object, by whom, why. */
  refused: { what: string; by: string; why: string }[]
  /** What is changed in a pod of ours on its way in. */
  changed: { what: string; field: string }[]
  /** Webhooks whose answer to a dry run is not known. */
  unknown: string[]
}

export interface NodeFact {
  name: string
  zone?: string
  os: string
  arch: string
  state: 'ready' | 'coming' | 'leaving' | 'sick'
  /** Why it is in that state, where it is not ready. */
  why?: string
  life: 'plain' | 'spot' | 'fargate' | 'auto' | 'hybrid' | 'virtual'
  labels: Labels
  taints: { key: string; value?: string; effect: string }[]
}

export interface Platform {
  distribution: Fact<string>
  kubernetes: Fact<string>
  clusterDomain: Fact<string>
  /** The newest served version that Plumbline knows, by group/kind: 'networking.istio.io/Gateway' is 'v1'. */
  served: Readonly<Record<string, string>>
  /** GitOps tools that are at work here. */
  gitops: Owner[]
}

/** What stands in a cluster, as it was found before any check: plain data, kept in the run's survey.json. */
export interface Survey {
  platform: Platform
  nodes: Fact<NodeFact[]>
  istiods: Fact<Istiod[]>
  injection: Fact<Injection>
  ambient: Fact<Ambient>
  gateways: Fact<Gateway[]>
  knative: Fact<KnativeFacts>
  certManager: Fact<CertManagerFacts>
  mutualTls: Fact<MutualTls>
  admission: Fact<Admission>
}
