import type { Objects } from './api/objects.ts'

/** What no API of a real cluster can break, broken by name: `kubectl create` a Defect of that name. */
export const DEFECTS = {
  'api-server-without-issuer': "the API server's issuer is no https URL",
  'unbounded-logs': 'kubelets rotate no log',
  'connection-pools-ignored': "istiod passes no DestinationRule's connection pool on",
  'admin-port-open': "the gateways' Envoy admin port answers on the pod's address",
  'istioctl-lenient': 'istioctl takes fields that it does not know',
  'net-istio-heeds-annotations': 'net-istio sets a timeout and retries from annotations of the Ingress',
  'timeouts-ignored': 'queue-proxy ends no request that takes too long',
  'resources-ignored': 'the containers of a revision do not get the resources that were asked for',
  'panic-annotations-dropped': "a PodAutoscaler does not get its revision's annotations about panic mode",
  'initial-scale-ignored': 'a new revision starts with one pod, whatever its initial scale',
  'max-scale-ignored': 'the autoscaler heeds no max-scale',
  'concurrency-unlimited': 'queue-proxy passes on any number of requests at once',
  'requests-counted-twice': 'the autoscaler counts each request a second twice',
  'scale-down-at-once': 'the autoscaler heeds no max-scale-down-rate',
  'burst-capacity-ignored': 'the ServerlessService is in Serve mode whenever there is a pod',
  'activator-unseen': 'the activator passes requests on without leaving its address',
  'endpoints-stay-activators': 'in Serve mode the endpoints of a revision stay the activators',
  'probes-passed-on': 'activator and queue-proxy pass probes on to the container',
  'strict-not-enforced': 'sidecars take plain text whatever PeerAuthentication says',
  'permissive-refuses': "a namespace's PERMISSIVE does not win over the mesh's STRICT",
  'log-levels-stuck': "Envoy's levels of logging cannot be changed",
  'certificates-stay': 'the gateway goes on with the certificate that it had first',
  'secrets-dropped-at-once': 'the gateway has no certificate while its secret is gone',
  'request-logs-missing': 'queue-proxy writes no request log',
  'tickets-useless': 'the gateway resumes no session by a ticket',
  'cert-manager-unscraped': 'Prometheus does not scrape cert-manager',
  'certificates-unnamed': 'cert-manager leaves names out of certificates',
  'weights-off': 'the gateway takes other weights than its routes have',
  'rollback-drops': 'net-istio drops a route for a moment when traffic goes back to an older revision',
  'reroute-drops': 'a gateway fails requests for a moment when a route is changed to one destination',
  'requests-uncounted': 'queue-proxy counts every second request alone',
  'rollout-at-once': 'traffic goes to a new revision at once, whatever the rollout duration',
  'overflows-pass': 'the gateways let requests over the limits of a connection pool pass',
  'concurrency-halved': 'the autoscaler counts half of the requests that are under way',
  'panic-never': 'the autoscaler never panics',
  'cold-requests-lost': 'the activator loses every fourth request that finds no pod',
  'budgets-ignored': 'evictions ask no budget',
  'activators-end-at-once': 'an activator that is evicted serves nobody any more from that moment',
  'broken-connections-hang': 'a gateway whose connection to an activator breaks never answers',
  'no-pods-without-autoscaler': 'revisions go down to one pod when the autoscaler is gone',
  'endpoints-without-istiod': 'gateways learn of endpoints without istiod',
  'images-not-exchanged': 'a container whose image was changed runs on',
  'admission-fails-open': 'the API server takes what no webhook answers for, whatever its failurePolicy',
  'iam-without-provider': "IAM has no OpenID Connect provider for the cluster's issuer",
  'node-role-stripped': 'the role of the nodes lacks AmazonEKSWorkerNodePolicy',
  'subnets-untagged': 'no subnet is tagged for internal load balancers',
  'dns-in-one-zone': "the load balancer's name has an address in one zone alone",
  'nlb-internet-facing': 'the load balancer faces the internet, whatever the annotations say',
  'nlb-impaired': 'the load balancer is active_impaired',
  'nlb-listener-missing': 'the load balancer has no listener on 443',
  'nlb-targets-unhealthy': 'the load balancer finds its targets unhealthy',
  'nlb-target-stuck': 'a target that joins a target group stays initial',
  'activator-impatient': 'the activator gives a request up that finds no pod for ten seconds',
} as const

/** What AWS answers where nothing of the stack is broken: states that pass, and refusals. They are broken by name as well, for tests. */
export const ANSWERS_OF_AWS = {
  'nlb-provisioning': 'the load balancer is provisioned for ever',
  'target-groups-empty': 'the target groups have no targets',
  'aws-throttles': 'AWS throttles every call',
  'credentials-expired': 'AWS finds the credentials expired',
  'iam-denies-listeners': 'IAM denies elasticloadbalancing:DescribeListeners',
} as const

export type DefectName = keyof typeof DEFECTS | keyof typeof ANSWERS_OF_AWS

export const DEFECT_RESOURCE = 'defects.twin.plumbline.dev'

/** The defects that are in force now. */
export class Defects {
  readonly #objects: Objects

  constructor(objects: Objects) {
    this.#objects = objects
  }

  has(name: DefectName): boolean {
    return this.#objects.get(DEFECT_RESOURCE, name) !== undefined
  }

  /** Since when a defect is in force, in milliseconds of the epoch. */
  since(name: DefectName): number | undefined {
    const created = this.#objects.get(DEFECT_RESOURCE, name)?.metadata.creationTimestamp
    return created === undefined ? undefined : Date.parse(created)
  }
}
