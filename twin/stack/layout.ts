import { StartProblem } from '../network.ts'

type Labels = Readonly<Record<string, string>>

/** One istiod: a control plane of one revision. */
export interface IstiodLayout {
  namespace: string
  /** Empty for the default one; its objects' names end with any other. */
  revision: string
  /** The revision tags that point at it. */
  tags: readonly string[]
  /** Empty for the stack's version. */
  version: string
  /** Empty for its own namespace. */
  rootNamespace: string
  replicas: number
  jsonLogs: boolean
}

/** A gateway: what makes its pods, and its Service. */
export interface GatewayLayout {
  namespace: string
  name: string
  labels: Labels
  kind: 'Deployment' | 'DaemonSet'
  replicas: number
  /** Name, port and target port of each port of its Service. */
  ports: readonly (readonly [name: string, port: number, target: number])[]
  type: 'LoadBalancer' | 'NodePort' | 'ClusterIP'
  externalTrafficPolicy: 'Cluster' | 'Local'
  annotations: Labels
  /** The revision of the istiod that configures it. */
  revision: string
  /** Whether istiod fills in its pods, as Helm's gateway chart has it. */
  injected: boolean
}

/** Who makes load balancers; `nobody` is one that leaves nothing in the cluster. */
export interface BalancerLayout {
  maker: 'metallb' | 'nobody'
  namespace: string
  controller: string
  speaker: string
  /** What the labels of MetalLB's parts say: those of its manifest, or of its Helm chart. */
  labels: 'manifest' | 'helm'
}

/** How the stack of a twin is laid out: where each component is, and what it is called there. */
export interface Layout {
  clusterDomain: string
  /** The first is the one that configures what asks for no revision. */
  istiods: readonly IstiodLayout[]
  /** The first carries Knative's traffic. */
  gateways: readonly GatewayLayout[]
  balancer: BalancerLayout
  /** The release's name begins the names of its objects. */
  certManager: { namespace: string; release: string }
  knative: { namespace: string }
  /** Whether ztunnel and istio-cni stand beside, with nothing enrolled. */
  ambient: boolean
}

const ISTIOD: IstiodLayout = {
  namespace: 'istio-system',
  revision: '',
  tags: [],
  version: '',
  rootNamespace: '',
  replicas: 2,
  jsonLogs: false,
}

const NLB = 'service.beta.kubernetes.io/aws-load-balancer-'

const GATEWAY: GatewayLayout = {
  namespace: 'istio-system',
  name: 'istio-ingressgateway',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  kind: 'Deployment',
  replicas: 3,
  ports: [
    ['status-port', 15021, 15021],
    ['http2', 80, 8080],
    ['https', 443, 8443],
  ],
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Cluster',
  annotations: {
    [`${NLB}type`]: 'external',
    [`${NLB}nlb-target-type`]: 'ip',
    [`${NLB}scheme`]: 'internal',
    [`${NLB}attributes`]: 'load_balancing.cross_zone.enabled=true',
  },
  revision: '',
  injected: false,
}

/** The layout of a twin that is told none: the guide's stack under the names of its manifests. */
export const USUAL_LAYOUT: Layout = {
  clusterDomain: 'cluster.local',
  istiods: [ISTIOD],
  gateways: [GATEWAY],
  balancer: {
    maker: 'metallb',
    namespace: 'metallb-system',
    controller: 'controller',
    speaker: 'speaker',
    labels: 'manifest',
  },
  certManager: { namespace: 'cert-manager', release: 'cert-manager' },
  knative: { namespace: 'knative-serving' },
  ambient: false,
}

// What a layout that is given may leave out, and of which types the rest is.
const OPEN = new Set(['labels', 'annotations'])

/**
 * Reads a layout: JSON that has only what differs from the usual one; each istiod and gateway of a list has only what
 * differs from the usual of its kind.
 * @throws StartProblem naming what no layout has
 */
export function readLayout(text: string): Layout {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (problem) {
    throw new StartProblem(`--layout is not JSON: ${(problem as Error).message}`)
  }
  return laidOver(USUAL_LAYOUT, given, 'layout') as Layout
}

/** What is given, laid over what is usual. */
function laidOver(usual: unknown, given: unknown, path: string): unknown {
  if (given === undefined) return usual
  const typeOf = (value: unknown) => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value)
  if (typeOf(given) !== typeOf(usual))
    throw new StartProblem(`${path} is of type ${typeOf(given)}: expected ${typeOf(usual)}.`)
  if (Array.isArray(given)) {
    const model = path === 'layout.istiods' ? ISTIOD : path === 'layout.gateways' ? GATEWAY : undefined
    return model ? given.map((each, at) => laidOver(model, each, `${path}[${at}]`)) : given
  }
  if (typeof given !== 'object' || OPEN.has(path.slice(path.lastIndexOf('.') + 1))) return given
  const [fields, more] = [usual as Record<string, unknown>, given as Record<string, unknown>]
  const stranger = Object.keys(more).find((key) => !(key in fields))
  if (stranger) throw new StartProblem(`${path} has no "${stranger}": it has ${Object.keys(fields).join(', ')}.`)
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, laidOver(value, more[key], `${path}.${key}`)]),
  )
}

/** The name that a part of an istiod has by its revision: 'istiod-canary', 'istio-canary'. */
export const revised = (name: string, { revision }: Pick<IstiodLayout, 'revision'>): string =>
  revision ? `${name}-${revision}` : name

/** The istiod that configures a pod of a revision or a tag; of the first one where there is none such. */
export const istiodOf = ({ istiods }: Pick<Layout, 'istiods'>, revision: string): IstiodLayout =>
  istiods.find((each) => each.revision === revision || each.tags.includes(revision)) ?? istiods[0]!

/** What cert-manager's chart calls its controller: the release, with its own name behind unless that is in it. */
export const certManagerName = ({ release }: Layout['certManager']): string =>
  release.includes('cert-manager') ? release : `${release}-cert-manager`

/** The ClusterRole of MetalLB's controller. */
export const balancerRole = ({ namespace, controller }: BalancerLayout): string => `${namespace}:${controller}`

/** The namespaces of a layout's components. */
export const namespacesOf = ({ istiods, gateways, balancer, certManager, knative }: Layout): string[] => [
  ...new Set([
    ...(balancer.maker === 'metallb' ? [balancer.namespace] : []),
    certManager.namespace,
    ...istiods.flatMap(({ namespace, rootNamespace }) => [namespace, rootNamespace || namespace]),
    ...gateways.map(({ namespace }) => namespace),
    knative.namespace,
  ]),
]
