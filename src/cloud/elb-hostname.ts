/** The DNS name of an AWS load balancer of any kind: those of NLBs have the region last, those of older kinds first. */
export const ELB_HOSTNAME = /\.(elb\.[a-z0-9-]+|[a-z0-9-]+\.elb)\.amazonaws\.com(\.cn)?$/
