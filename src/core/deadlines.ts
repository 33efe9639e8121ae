/**
 * Every deadline by its name, in milliseconds, and why it is that long. stack.yaml's deadlines.factor multiplies all of
 * them. They bound a failure; nothing that works waits for one.
 */
export const deadlines = {
  /** One call of the Kubernetes API. An API server under load answers a LIST of thousands of objects within this. */
  apiCall: 30_000,
  /** The survey of a cluster: some thirty LISTs and a few forwarded ports; what has not come by then is unknown. */
  survey: 20_000,
  /**
   * A question of the survey to a port of a pod, istiod's or Envoy's: they answer in milliseconds, and what does not is
   * unknown.
   */
  surveyAsk: 4_000,
  /** A request through the load balancer whose answer should come at once. */
  request: 10_000,
  /** A request that may find no pod: Knative itself gives a cold start up to 300 s, people give it far less. */
  coldRequest: 60_000,
  /** A pod of ours from its creation to Ready, its image on the node or small. */
  podReady: 90_000,
  /**
   * What is not as it should be at first sight to settle: a pod that was started again just now, a rollout under way.
   */
  settled: 30_000,
  /** The agent pod of ours, which other checks wait for. */
  agentReady: 90_000,
  /**
   * A Knative Service from its creation to Ready: its revision's first pod, and net-istio's probe of every gateway pod.
   */
  serviceReady: 90_000,
  /** Configuration of ours to reach every proxy; Gateway API's conformance allows 30 s for the same. */
  configPush: 30_000,
  /** cert-manager: an issuer to be judged, a certificate of a CA to be issued or issued again. It takes seconds. */
  issued: 60_000,
  /** An order by DNS-01: a record to be seen by every server of its zone, and a CA that looks again and again. */
  acmeOrder: 300_000,
  acmeCheck: 360_000,
  /** A new certificate in its secret to be shown by every gateway; the guide's promise is a minute. */
  served: 60_000,
  /** A load balancer's health checks: three in a row, thirty seconds apart at most by default. */
  targetsHealthy: 120_000,
  /** An NLB from its making to active: AWS says a few minutes. */
  nlbActive: 300_000,
  /** A check that waits for an NLB, and for its targets. */
  nlbCheck: 450_000,
  /**
   * A request to stand in the gateway's access log; the guide's own promise, and Envoy writes its buffer at least every
   * second.
   */
  accessLogged: 10_000,
  /** A line to have been shipped to Loki by a collector, and to be found there. */
  collected: 60_000,
  /** A scrape by Prometheus, which are a minute apart at most where alerts are wanted. */
  scraped: 75_000,
  /** Knative's autoscaler acting: it decides every 2 s on a window of at least 6 s, then a pod has to start. */
  scale: 60_000,
  /**
   * From the last request to no pod: the shortest stable window (6 s), the grace period (30 s), a pod that drains (up
   * to 45 s).
   */
  scaleToZero: 120_000,
  /** A namespace of ours to be gone with all that it holds. */
  namespaceGone: 90_000,
  /** A pod to be let go by its budget: another has to be Ready before. */
  evicted: 120_000,
  /** An endpoint to be gone once its pod is not Ready: the kubelet and the endpoints' controller take seconds. */
  endpointGone: 60_000,
  /** Evicted or replaced pods to be gone: an activator drains for 45 s and more. */
  podsDrained: 180_000,
  /** A node to be Ready and to take pods again once it is uncordoned. */
  nodeBack: 60_000,
  /** A setting to have reached Knative's webhook: one that was evicted answers by what it knew until it has drained. */
  settingRead: 120_000,
  /** An operator to carry a setting of its custom resource over: it watches it, and reconciles a whole installation. */
  operatorActs: 120_000,
  /** Proxies to have found an istiod again that was away: they ask with pauses of up to half a minute. */
  proxiesBack: 120_000,
  /** Traffic to be steady: answers in a row before a fault, and again after it. */
  steady: 60_000,
  /** istioctl analyze or proxy-status over a whole cluster. */
  istioctl: 60_000,
  /**
   * A check's whole body where it does not name another; one that sends load may have to wait for three others before.
   */
  check: 180_000,
  /** A check that moves traffic: hundreds of requests at each step, to know the shares. */
  rolloutCheck: 240_000,
  /** A check that waits for an autoscaler to go up and down again. */
  scalingCheck: 240_000,
  /** A check that does one fault under load, with what was disturbed whole again. */
  faultCheck: 300_000,
  /** A check that drains node after node. */
  drainCheck: 600_000,
  /** A component's deployments to be Available after its manifest was applied, its images to be pulled included. */
  componentAvailable: 300_000,
  /** What a component made to be gone: a namespace with pods that take their grace, a CRD with what is of its kind. */
  componentGone: 180_000,
  /** An NLB and its target groups to be deleted after their Service: the controller first lets targets drain. */
  nlbGone: 600_000,
  /** kind's create cluster, its node image to be pulled included. */
  clusterCreated: 600_000,
  /** The twin to have everything in it Ready; it takes about a second. */
  twinReady: 30_000,
  /** A release manifest to be fetched from a project's release page. */
  download: 60_000,
  /** The turn of a check to send load: those before it take half a minute each. */
  loadTurn: 180_000,
  /** k6 to answer what is under way and to end, once its Job is deleted: its grace period is 20 s. */
  loadStopped: 60_000,
  /** k6 to be built with Go where there is none: some minutes with nothing cached. */
  k6Built: 900_000,
  /** All that a run made to be gone, after its last check. */
  cleanup: 120_000,
} as const

export type DeadlineName = keyof typeof deadlines

let factor = 1

/** Sets what every deadline is multiplied by: above 1 for a slow cluster. */
export function setDeadlineFactor(by: number): void {
  factor = by
}

/** The named deadline in milliseconds, the factor applied. */
export const deadline = (name: DeadlineName): number => deadlines[name] * factor

/** Milliseconds as messages have them: '60 s', '0.3 s'. */
export const inSeconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`
