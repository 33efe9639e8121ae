import type { ComponentDefects } from '../hook.ts'
import type { AwsHooks } from './hooks.ts'
import { ACCOUNT } from './place.ts'

export const AWS_DEFECTS = {
  // IAM has no OpenID Connect provider for the issuer of the cluster.
  'iam-without-provider': ({ oidcIssuers }, defect) => oidcIssuers.alter(defect, () => []),

  'node-role-stripped': ({ nodePolicies }, defect) =>
    nodePolicies.alter(defect, (policies) => policies.filter((name) => name !== 'AmazonEKSWorkerNodePolicy')),

  // No subnet is tagged for internal load balancers.
  'subnets-untagged': ({ subnetTags }, defect) =>
    subnetTags.alter(defect, (tags) => tags.filter(({ Key }) => Key !== 'kubernetes.io/role/internal-elb')),

  // The name of the load balancer resolves to an address in one zone only.
  'dns-in-one-zone': ({ addresses }, defect) => addresses.alter(defect, (all) => all.slice(0, 1)),

  // The load balancer is internet-facing, whatever the annotations say.
  'nlb-internet-facing': ({ scheme }, defect) => scheme.alter(defect, () => 'internet-facing'),

  'nlb-impaired': ({ loadBalancerState }, defect) =>
    loadBalancerState.alter(defect, () => ({
      Code: 'active_impaired',
      Reason: 'Subnets have no free addresses.',
    })),

  // The load balancer has no listener on port 443.
  'nlb-listener-missing': ({ listenerPorts }, defect) =>
    listenerPorts.alter(defect, (ports) => ports.filter((port) => port !== 443)),

  'nlb-targets-unhealthy': ({ targetHealth }, defect) =>
    targetHealth.alter(defect, () => ({
      State: 'unhealthy',
      Reason: 'Target.FailedHealthChecks',
      Description: 'Health checks failed',
    })),

  // A target that is registered from now on stays in state initial.
  'nlb-target-stuck': ({ targetHealth }, defect) =>
    targetHealth.alter(defect, (health, { pod }) =>
      Date.parse(pod?.metadata.creationTimestamp ?? '') >= (defect.since ?? Infinity)
        ? {
            State: 'initial',
            Reason: 'Elb.RegistrationInProgress',
            Description: 'Target registration is in progress',
          }
        : health,
    ),
} satisfies ComponentDefects<AwsHooks>

/**
 * States that pass, and refusals: what AWS answers although the stack is healthy. Tests switch them on like defects.
 */
export const AWS_ANSWERS = {
  'nlb-provisioning': ({ loadBalancerState }, defect) =>
    loadBalancerState.alter(defect, () => ({ Code: 'provisioning' })),

  'target-groups-empty': ({ targets }, defect) => targets.alter(defect, () => []),

  'aws-throttles': ({ refusal }, defect) =>
    refusal.alter(defect, () => ({ status: 400, code: 'Throttling', message: 'Rate exceeded' })),

  'credentials-expired': ({ refusal }, defect) =>
    refusal.alter(defect, () => ({
      status: 403,
      code: 'ExpiredToken',
      message: 'The security token included in the request is expired',
    })),

  'iam-denies-listeners': ({ refusal }, defect) =>
    refusal.alter(defect, (healthy, { action }) =>
      action === 'elasticloadbalancing:DescribeListeners'
        ? {
            status: 403,
            code: 'AccessDenied',
            message: `User: arn:aws:iam::${ACCOUNT}:user/twin is not authorized to perform: ${action}`,
          }
        : healthy,
    ),
} satisfies ComponentDefects<AwsHooks>
