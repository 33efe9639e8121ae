import { gatewayService } from '../../src/cluster/gateway-service.ts'
import { check } from '../../src/check/check.ts'
import { openIdProviders, policiesOf, subnetsOf, workerRoles } from '../../src/cloud/account.ts'
import { requestedNlb } from '../../src/cloud/gateway-annotations.ts'
import { associationsOf } from '../../src/cloud/pod-identity.ts'
import { accountOf, cniAccountOf, IRSA, roleOf } from '../../src/cloud/aws-identity.ts'
import { balancerController, balancing } from '../../src/cloud/balancer-controller.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { objectName } from '../../src/kube/object-id.ts'
import { isOfStack, stackNamespaces } from '../../src/survey/stack-namespaces.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'infra/oidc-provider',
  {
    asserts:
      "IAM has an OpenID Connect provider for the cluster's issuer; or no ServiceAccount has a role by IRSA and the " +
      'load balancer controller has its role by Pod Identity',
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['infra/oidc-issuer'],
    remedy: [
      'Create the provider: eksctl utils associate-iam-oidc-provider --cluster NAME --approve',
      'Or create a Pod Identity association for each ServiceAccount in the message',
      'Do not rely on the issuer alone: every EKS cluster has one, with or without a provider in IAM',
    ],
  },
  async ({ stack, expect, remark }) => {
    const { issuer, name } = await stack.cloud.cluster()
    expect(issuer, `EKS cluster ${name}, identity.oidc.issuer`).toMatch(/^https:\/\//)
    const providers = await openIdProviders(stack.cloud.aws)
    if (providers.includes(issuer.replace('https://', ''))) return `IAM has an OpenID Connect provider for ${issuer}`
    const missing = `IAM has no OpenID Connect provider for ${issuer} (it has ${providers.join(', ') || 'none'})`
    const namespaces = stackNamespaces(await stack.survey())
    const byIrsa = (await stack.all('v1/ServiceAccount')).filter(({ metadata }) => metadata?.annotations?.[IRSA])
    const [ours, others] = [true, false].map((isOurs) =>
      byIrsa.filter((each) => isOfStack(namespaces, each) === isOurs),
    )
    expect(ours!.map(objectName), `${missing}, so these ServiceAccounts cannot assume their roles`).toBeNone()
    for (const each of others!)
      remark(`${objectName(each)} cannot assume its role: ${missing}.`, each.metadata?.namespace)
    const { balancer } = await balancing(stack)
    if (!balancer.controller || balancer.maker !== 'aws-lbc')
      return `${missing}, and needs none: no ServiceAccount of the stack has its role by IRSA`
    const { namespace, account } = await accountOf(stack, balancer.controller)
    const associations = await associationsOf(stack.cloud.aws, name, { namespace, account })
    expect(associations.length > 0).toHold(
      `${missing}, and ServiceAccount ${namespace}/${account} has no Pod Identity association`,
    )
    return `${missing}, and needs none: ServiceAccount ${namespace}/${account} has its role by Pod Identity`
  },
)

const NEEDED = [
  ['worker', /^AmazonEKSWorkerNode(Minimal)?Policy$/],
  ['ECR read', /^AmazonEC2ContainerRegistry(ReadOnly|PullOnly|PowerUser|FullAccess)$/],
] as const
const CNI = ['CNI', /^AmazonEKS_CNI_(IPv6_)?Policy$/] as const

check(
  'infra/node-role-policies',
  {
    asserts:
      "every node role has AmazonEKSWorkerNodePolicy, an ECR read policy, and the VPC CNI's policy, unless that has " +
      'a role of its own or another CNI is in its place',
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    remedy: [
      'Attach the policy: aws iam attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::aws:policy/POLICY',
      'For CNI attach AmazonEKS_CNI_Policy, or give the ServiceAccount of the DaemonSet aws-node a role of its own',
    ],
  },
  async ({ stack, expect, remark }) => {
    const cluster = await stack.cloud.cluster()
    const roles = await workerRoles(stack.cloud.aws, cluster, await stack.all('v1/Node'))
    expect(roles.length, 'IAM roles of the nodes (of node groups, auto mode and instance profiles)').toBeGreaterThan(0)
    const account = await cniAccountOf(stack)
    const ofCni = account && (await roleOf(stack, account))
    const lacking: string[] = []
    for (const role of roles) {
      const policies = await policiesOf(stack.cloud.aws, role)
      // Auto mode's nodes bring their own networking.
      const needsCni = account !== undefined && !ofCni && role !== cluster.autoModeRole
      const missing = [...NEEDED, ...(needsCni ? [CNI] : [])]
        .filter(([, pattern]) => !policies.some(({ name }) => pattern.test(name)))
        .map(([what]) => what)
      if (missing.length === 0) continue
      const found = `${role} has no ${missing.join(' and no ')} policy of AWS`
      const own = policies.filter(({ isOfAws }) => !isOfAws).map(({ name }) => name)
      // What a policy of the account allows cannot be told by its name.
      if (own.length > 0) remark(`${found}; its own ${own.join(', ')} may allow the same.`)
      else lacking.push(`${found} (attached: ${policies.map(({ name }) => name).join(', ') || 'none'})`)
    }
    expect(lacking, 'Node roles without a required policy').toBeNone()
    const names = roles.map((role) => role.split('/').at(-1)).join(', ')
    return `No required policy is missing in ${names}${ofCni ? `; the CNI has its own role by ${ofCni.by}` : ''}`
  },
)

const SUBNETS = 'service.beta.kubernetes.io/aws-load-balancer-subnets'

check(
  'infra/subnet-tags',
  {
    asserts:
      'subnets of the VPC in at least 2 zones have the tag kubernetes.io/role/internal-elb (role/elb for an ' +
      'internet-facing load balancer)',
    guide: '1',
    level: 'recommended',
    effect: 'reads',
    requires: ['eks'],
    remedy: [
      'For an internal load balancer tag private subnets kubernetes.io/role/internal-elb=1 in at least 2 zones',
      'For an internet-facing one tag public subnets kubernetes.io/role/elb=1',
      'Or annotate the gateway Service with service.beta.kubernetes.io/aws-load-balancer-subnets: SUBNET,SUBNET',
    ],
  },
  async ({ stack, expect, measure }) => {
    const { balancer, service, facts } = await balancing(stack)
    const object = await gatewayService(stack)
    const requested = requestedNlb(object, balancer)
    if (!requested)
      throw new DoesNotApply(`The load balancer of ${service} is made by ${facts.title}, which looks for no subnets.`)
    if (object.metadata?.annotations?.[SUBNETS])
      throw new DoesNotApply(`${service} names the subnets of its load balancer itself, by the annotation ${SUBNETS}.`)
    const { vpc } = await stack.cloud.cluster()
    const asked = stack.config.expect.nlb.scheme ?? requested.scheme
    const wanted = Math.min(2, stack.config.expect.zones ?? 2)
    const tag = `kubernetes.io/role/${asked === 'internet-facing' ? 'elb' : 'internal-elb'}`
    const subnets = await subnetsOf(stack.cloud.aws, vpc)
    expect(subnets.length, `Subnets of ${vpc}`).toBeGreaterThan(0)
    // The controller takes both: pkg/networking/subnet_resolver.go.
    const tagged = subnets.filter(({ tags }) => ['', '1'].includes(tags[tag] ?? 'missing'))
    const zones = [...new Set(tagged.map(({ zone }) => zone))].toSorted()
    measure('zones with a tagged subnet', zones.length, 'zones')
    const found = tagged.map(({ id, zone }) => `${id} in ${zone}`).join(', ') || 'none'
    expect(zones.length >= wanted).toHold(
      `${vpc}: subnets tagged ${tag} are in ${counted(zones.length, 'zone')} ` +
        `(${found}; ${counted(subnets.length, 'subnet')} in all); ` +
        `at least ${wanted} are expected`,
    )
    return (
      `${tagged.length} of ${counted(subnets.length, 'subnet')} ` +
      `of ${vpc} have the tag ${tag}, in ${zones.join(', ')}`
    )
  },
)

check(
  'infra/lb-controller-identity',
  {
    asserts:
      "the load balancer controller's Deployment uses a ServiceAccount that has a role by IRSA or by a Pod Identity " +
      'association',
    guide: '1',
    level: 'required',
    effect: 'reads',
    requires: ['eks'],
    needs: ['infra/lb-controller'],
    remedy: [
      "Create an IAM role with the controller's policy",
      'Set the annotation eks.amazonaws.com/role-arn of the ServiceAccount, or create a Pod Identity association',
    ],
  },
  async ({ stack, expect }) => {
    const { balancer, controller, service, facts } = await balancerController(stack)
    if (balancer.maker !== 'aws-lbc')
      throw new DoesNotApply(`The load balancer of ${service} is made by ${facts.title}, which needs no role of IAM.`)
    const { namespace, account } = await accountOf(stack, controller)
    expect(account, `Deployment ${namespace}/${controller.name}, serviceAccountName`).not.toBe('default')
    await stack.one('v1/ServiceAccount', account, namespace)
    const role = await roleOf(stack, { namespace, account })
    expect(
      role?.arn ?? 'none',
      `ServiceAccount ${namespace}/${account}, role by annotation ${IRSA} or by Pod Identity`,
    ).toMatch(/^arn:aws[\w-]*:iam::\d{12}:role\/.+/)
    return `ServiceAccount ${namespace}/${account} has role ${role!.arn} by ${role!.by}`
  },
)
