import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { IRSA } from '../src/cloud/aws-identity.ts'
import { partOf } from '../src/sabotage/parts.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { theGateway } from '../src/survey/surveyed.ts'
import { workloadId } from '../src/survey/workload-id.ts'

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-'

/** Changes annotations of the gateway's Service, by their names after the prefix; null takes one away. */
async function annotate(saboteur: Saboteur, changed: Record<string, string | null>): Promise<void> {
  const { namespace, name } = (await theGateway(saboteur)).service
  const annotations = Object.fromEntries(Object.entries(changed).map(([key, value]) => [PREFIX + key, value]))
  await saboteur.change('v1/Service', namespace, name, { metadata: { annotations } })
}

defect('iam-without-provider', {
  breaks: "IAM has no OpenID Connect provider for the cluster's issuer, and a ServiceAccount gets its role through it",
  fails: ['infra/oidc-provider'],
  requires: ['eks'],
})

defect('node-role-stripped', {
  breaks: 'the IAM role of the nodes lacks AmazonEKSWorkerNodePolicy',
  fails: ['infra/node-role-policies'],
  requires: ['eks'],
})

defect('subnets-untagged', {
  breaks: 'no subnet is tagged for internal load balancers',
  fails: ['infra/subnet-tags'],
  requires: ['eks'],
})

sabotage(
  'lb-controller-without-role',
  {
    breaks: 'the ServiceAccount of the AWS Load Balancer Controller has no IAM role',
    fails: ['infra/lb-controller-identity'],
    requires: ['eks'],
  },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'balancer'))
    const { spec } = await saboteur.api.get(kind, name, namespace)
    await saboteur.change('v1/ServiceAccount', namespace, String(spec.template.spec.serviceAccountName), {
      metadata: { annotations: { [IRSA]: null } },
    })
  },
)

sabotage(
  'cross-zone-misspelled',
  {
    breaks:
      "the gateway's Service asks for cross-zone load balancing with the guide's annotation, which does not exist",
    fails: ['mesh/gateway-annotations'],
    requires: ['eks'],
  },
  (saboteur) => annotate(saboteur, { attributes: null, 'cross-zone': 'true' }),
)

sabotage(
  'cross-zone-off',
  {
    breaks: "one annotation of the gateway's Service turns cross-zone load balancing off, another turns it on",
    fails: ['mesh/gateway-annotations', 'mesh/nlb-cross-zone'],
    requires: ['eks'],
  },
  (saboteur) => annotate(saboteur, { 'cross-zone-load-balancing-enabled': 'false' }),
)

sabotage(
  'scheme-without-subnets',
  {
    breaks: "the gateway's Service asks for an internet-facing load balancer, but no subnet is tagged for one",
    fails: ['mesh/gateway-annotations', 'infra/lb-controller-log'],
    requires: ['eks'],
  },
  (saboteur) => annotate(saboteur, { scheme: 'internet-facing' }),
)

defect('nlb-internet-facing', {
  breaks: 'the load balancer is internet-facing, whatever the annotations say',
  fails: ['mesh/nlb-scheme'],
  requires: ['nlb'],
})

defect('dns-in-one-zone', {
  breaks: "the load balancer's name resolves to an address in one zone only",
  fails: ['mesh/gateway-dns'],
  requires: ['eks'],
})

defect('nlb-impaired', {
  breaks: 'the load balancer is in state active_impaired',
  fails: ['mesh/nlb-active'],
  requires: ['nlb'],
})

defect('nlb-listener-missing', {
  breaks: 'the load balancer has no listener on port 443',
  fails: ['mesh/nlb-listeners', 'tls/nlb-443-healthy'],
  requires: ['nlb'],
})

defect('nlb-targets-unhealthy', {
  breaks: 'all targets of the load balancer are unhealthy',
  fails: ['mesh/nlb-targets-healthy'],
  requires: ['nlb'],
})
