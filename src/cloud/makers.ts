import type { Maker } from '../config/load-balancer-makers.ts'
import type { LoggedOutcomes } from './controller-log.ts'

/** What is known of a maker of load balancers: where its controller is, and how it tells what it does. */
export interface MakerFacts {
  /** As a subject of a sentence. */
  title: string
  /** Why there is no controller in the cluster that could be looked at; undefined where there is one. */
  outside?: string
  /** The names of its admission webhooks' entries, which are compiled in. */
  webhooks?: RegExp
  /** How it comes that it has none, in a sentence. */
  mayHaveNoWebhooks?: string
  /** What its controller logs at the end of each try to reconcile a Service. */
  logs?: LoggedOutcomes
}

const OUTSIDE = 'runs outside the cluster'

const MAKERS: Readonly<Record<Maker, MakerFacts>> = {
  'aws-lbc': {
    title: 'the AWS Load Balancer Controller',
    webhooks: /\.elbv2\.k8s\.aws$/,
    // kubernetes-sigs/aws-load-balancer-controller v3.5.0, controllers/service/service_controller.go: it never logs
    // "Successfully created LB".
    logs: { container: 'aws-load-balancer-controller', done: /successfully deployed model/ },
  },
  'eks-auto': { title: 'EKS Auto Mode', outside: `${OUTSIDE}: AWS operates it` },
  ccm: { title: "the cloud provider's controller", outside: `${OUTSIDE} or is the provider's own` },
  tgb: {
    title: 'a TargetGroupBinding',
    outside: 'names a load balancer that was made outside the cluster',
  },
  metallb: {
    title: 'MetalLB',
    webhooks: /\.metallb\.io$/,
    mayHaveNoWebhooks: 'MetalLB can be run without webhooks (--webhook-mode=disabled)',
    // It logs the end of each try, and before that why the try failed.
    logs: { container: 'controller', done: /"end reconcile"/, failed: /failed to handle service/ },
  },
  'kube-vip': { title: 'kube-vip' },
  servicelb: { title: 'the ServiceLB of K3s' },
  cilium: { title: "Cilium's LB IPAM" },
  kind: { title: 'cloud-provider-kind', outside: OUTSIDE },
  none: { title: 'nobody' },
  other: { title: 'somebody unknown' },
}

export const makerFacts = (maker: Maker): MakerFacts => MAKERS[maker]
