import { check } from '../../src/check/check.ts'
import { openIdProviders, policiesOf, subnetsOf, workerRoles } from '../../src/cloud/account.ts'
import { associationsOf } from '../../src/cloud/pod-identity.ts'
import { IRSA, roleOf } from '../../src/cloud/aws-identity.ts'
import { loadBalancerController } from '../../src/cloud/load-balancer.ts'

check(
  'infra/oidc-provider',
  {
    asserts:
      "IAM has an OpenID Connect provider for exactly the cluster's issuer, or nothing in the cluster has a role by one (IRSA) and the load balancer's controller has its role by Pod Identity",
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['infra/oidc-issuer'],
    remedy:
      'the issuer alone proves nothing, every EKS cluster has one: make the provider in IAM (eksctl utils associate-iam-oidc-provider --approve), or give the pods their roles by Pod Identity',
  },
  async ({ stack, expect }) => {
    const { issuer, name } = await stack.cloud.cluster()
    expect(issuer, `identity.oidc.issuer of the EKS cluster ${name}`).toMatch(/^https:\/\//)
    const providers = await openIdProviders(stack.cloud.aws)
    if (providers.includes(issuer.replace('https://', ''))) return `IAM has a provider for ${issuer}`
    const told = `no OpenID Connect provider of IAM is for ${issuer} (there are ${providers.join(', ') || 'none'})`
    const byIrsa = (await stack.all('v1/ServiceAccount')).filter(({ metadata }) => metadata?.annotations?.[IRSA])
    expect(
      byIrsa.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
      `ServiceAccounts whose role cannot be assumed: ${told}`,
    ).toBeNone()
    const { namespace, deployment } = await loadBalancerController(stack)
    const account = String(deployment.spec?.template?.spec?.serviceAccountName)
    const associations = await associationsOf(stack.cloud.aws, name, { namespace, account })
    expect(associations.length, `Pod Identity associations of ${namespace}/${account}; ${told}`).toBeGreaterThan(0)
    return `${told}, and none is needed: no ServiceAccount has a role by IRSA, ${namespace}/${account} has its by Pod Identity`
  },
)

const NEEDED = [
  ['worker', /^AmazonEKSWorkerNode(Minimal)?Policy$/],
  ['ECR read', /^AmazonEC2ContainerRegistry(ReadOnly|PullOnly|PowerUser|FullAccess)$/],
] as const

check(
  'infra/node-role-policies',
  {
    asserts:
      "each role of the nodes carries AmazonEKSWorkerNodePolicy, an ECR read policy and the CNI's policy (or the CNI has a role of its own)",
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    remedy:
      'aws iam attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::aws:policy/POLICY; without them nodes do not join, pull no image, or give pods no address',
  },
  async ({ stack, expect }) => {
    const cluster = await stack.cloud.cluster()
    const roles = await workerRoles(stack.cloud.aws, cluster, await stack.all('v1/Node'))
    expect(roles.length, 'roles of the nodes (of node groups, auto mode or instance profiles)').toBeGreaterThan(0)
    const cni = await roleOf(stack, { namespace: 'kube-system', account: 'aws-node' })
    const lacking: string[] = []
    for (const role of roles) {
      const policies = await policiesOf(stack.cloud.aws, role)
      const has = (pattern: RegExp) => policies.some((policy) => pattern.test(policy))
      const missing: string[] = NEEDED.filter(([, pattern]) => !has(pattern)).map(([what]) => what)
      // Auto mode's nodes bring their own networking.
      if (!cni && role !== cluster.autoModeRole && !has(/^AmazonEKS_CNI_(IPv6_)?Policy$/)) missing.push('CNI')
      lacking.push(...missing.map((what) => `${role} has no ${what} policy (it has ${policies.join(', ') || 'none'})`))
    }
    expect(lacking, 'policies that roles of nodes lack').toBeNone()
    return `${roles.map((role) => role.split('/').at(-1)).join(', ')}: all policies${cni ? `; the CNI has its own role by ${cni.by}` : ''}`
  },
)

check(
  'infra/subnet-tags',
  {
    asserts:
      'at least two subnets of the VPC, in different zones, carry kubernetes.io/role/internal-elb (or elb, after the scheme)',
    guide: '1',
    level: 'recommended',
    effect: 'reads',
    requires: ['eks'],
    remedy:
      'tag the private subnets kubernetes.io/role/internal-elb=1 (public ones elb for internet-facing), or name them by aws-load-balancer-subnets; in one zone alone the load balancer has one too',
  },
  async ({ stack, expect, measure }) => {
    const { vpc } = await stack.cloud.cluster()
    const tag = `kubernetes.io/role/${stack.config.nlb.scheme === 'internal' ? 'internal-elb' : 'elb'}`
    const subnets = await subnetsOf(stack.cloud.aws, vpc)
    expect(subnets.length, `subnets of ${vpc}`).toBeGreaterThan(0)
    // The controller takes both: pkg/networking/subnet_resolver.go.
    const tagged = subnets.filter(({ tags }) => ['', '1'].includes(tags[tag] ?? 'not there'))
    const zones = [...new Set(tagged.map(({ zone }) => zone))].toSorted()
    measure('zones with a tagged subnet', zones.length, 'zones')
    expect(
      zones.length,
      `zones with a subnet tagged ${tag} (${tagged.map(({ id, zone }) => `${id} in ${zone}`).join(', ') || 'none'}; ${subnets.length} subnets in ${vpc})`,
    ).toBeGreaterThanOrEqual(2)
    return `${tagged.length} of ${subnets.length} subnets of ${vpc} are tagged ${tag}, in ${zones.join(', ')}`
  },
)

check(
  'infra/lb-controller-identity',
  {
    asserts:
      "the controller's ServiceAccount exists, the Deployment uses it, and it has a role by IRSA or a Pod Identity association",
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['infra/lb-controller'],
    remedy:
      "give the ServiceAccount a role with the controller's policy: the annotation eks.amazonaws.com/role-arn, or a Pod Identity association; without it the controller takes the node's role, which may do nothing with load balancers",
  },
  async ({ stack, expect }) => {
    const { namespace, deployment } = await loadBalancerController(stack)
    const account = String(deployment.spec?.template?.spec?.serviceAccountName ?? 'default')
    expect(account, `serviceAccountName of ${namespace}/${deployment.metadata?.name}`).not.toBe('default')
    await stack.one('v1/ServiceAccount', account, namespace)
    const role = await roleOf(stack, { namespace, account })
    expect(
      role?.arn ?? 'none',
      `role of ServiceAccount ${namespace}/${account} (annotation ${IRSA}, or a Pod Identity association)`,
    ).toMatch(/^arn:aws[\w-]*:iam::\d{12}:role\/.+/)
    return `${namespace}/${account} has ${role!.arn} by ${role!.by}`
  },
)
