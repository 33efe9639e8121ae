import type { KubeObject } from '../api/object.ts'
import { Hook } from '../hook.ts'

/** The health of a target of a load balancer, as ELBv2 describes it. */
export interface TargetHealth {
  State: string
  Reason?: string
  Description?: string
}

/** What AWS refuses a call with. */
export interface AwsRefusal {
  status: number
  code: string
  message: string
}

/** The hooks of AWS's APIs, and of what they describe. */
export class AwsHooks {
  /** The answer to an action, SERVICE:ACTION, that is refused; undefined where it is allowed. */
  readonly refusal = new Hook<AwsRefusal | undefined, { action: string }>()
  /** The OpenID Connect providers of IAM, by the URL of their issuers. */
  readonly oidcIssuers = new Hook<readonly string[]>()
  /** The policies that are attached to the role of the nodes. */
  readonly nodePolicies = new Hook<readonly string[]>()
  readonly subnetTags = new Hook<readonly { Key: string; Value: string }[]>()
  /** The addresses of a load balancer's name. */
  readonly addresses = new Hook<readonly string[]>()
  readonly scheme = new Hook<string>()
  readonly loadBalancerState = new Hook<{ Code: string; Reason?: string }>()
  /** The ports that a load balancer listens on. */
  readonly listenerPorts = new Hook<readonly number[]>()
  /** The targets of a target group. */
  readonly targets = new Hook<readonly object[]>()
  readonly targetHealth = new Hook<TargetHealth, { pod: KubeObject | undefined }>()
}
