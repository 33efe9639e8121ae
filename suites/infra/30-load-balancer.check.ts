import { check } from '../../src/check/check.ts'
import { eksOf } from '../../src/cloud/eks-kubeconfig.ts'
import { loadBalancerController } from '../../src/cloud/load-balancer.ts'
import { deploymentTroubles } from '../../src/kube/pods.ts'
import { conditionOf } from '../../src/kube/until.ts'

check(
  'infra/lb-controller',
  {
    asserts:
      "the load balancer's controller is available: aws-load-balancer-controller with the cluster's name; on kind MetalLB's controller, a speaker on every node, a pool and an advertisement",
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy:
      'install the AWS Load Balancer Controller with clusterName set (or MetalLB with an IPAddressPool and an L2Advertisement), and look at why its pods are not Ready',
  },
  async ({ stack, expect }) => {
    const controller = await loadBalancerController(stack)
    expect(deploymentTroubles(controller.deployment), "what the controller's Deployment lacks").toBeNone()
    if (controller.kind === 'aws') {
      const args = (controller.deployment.spec?.template?.spec?.containers?.[0]?.args ?? []) as string[]
      const name = args.map((arg) => /^--cluster-name=(.+)$/.exec(arg)?.[1]).find((each) => each !== undefined)
      expect(name, '--cluster-name in the arguments of aws-load-balancer-controller').toBeTruthy()
      const known = stack.run.aws?.cluster ?? eksOf(stack.k8s.config).cluster
      if (known) expect(name, "--cluster-name, against the EKS cluster's name").toBe(known)
      return `aws-load-balancer-controller is Available for cluster ${name}${known ? '' : ' (the kubeconfig does not name the cluster, so it was not compared)'}`
    }
    const speaker = await stack.one('apps/v1/DaemonSet', 'speaker', 'metallb-system')
    const nodes = await stack.all('v1/Node')
    expect(speaker.status?.numberReady, 'Ready speakers, one for every node').toBe(nodes.length)
    const pools = await stack.all('metallb.io/v1beta1/IPAddressPool')
    expect(
      pools.flatMap((pool) => pool.spec?.addresses ?? []).length,
      'address ranges in IPAddressPools',
    ).toBeGreaterThan(0)
    const advertisements = [
      ...(await stack.all('metallb.io/v1beta1/L2Advertisement')),
      ...(await stack.all('metallb.io/v1beta1/BGPAdvertisement')),
    ]
    const advertised = pools.filter((pool) =>
      advertisements.some(
        ({ spec }) => !spec?.ipAddressPools?.length || spec.ipAddressPools.includes(pool.metadata?.name),
      ),
    )
    expect(advertised.length, 'pools that an L2Advertisement or BGPAdvertisement announces').toBeGreaterThan(0)
    return `MetalLB's controller is Available, ${nodes.length} speakers, pool ${pools.map((pool) => pool.spec?.addresses).join(', ')}`
  },
)

check(
  'infra/lb-controller-webhook',
  {
    asserts: "the load balancer controller's webhooks have a CA bundle and ready endpoints",
    guide: '1',
    level: 'required',
    effect: 'reads',
    needs: ['infra/lb-controller'],
    remedy:
      "restart the controller so that it writes its certificate's CA into the webhook configuration, and see that its Service selects Ready pods",
  },
  async ({ stack, expect }) => {
    const { namespace } = await loadBalancerController(stack)
    const { webhooks, configurations, troubles } = await stack.webhooks.readiness(
      (service) => service.namespace === namespace && /webhook/.test(service.name),
    )
    expect(webhooks, `Admission webhooks that call a webhook Service in namespace ${namespace}`).toBeGreaterThan(0)
    expect(troubles, "The load balancer controller's admission webhooks cannot be called").toBeNone()
    return `${webhooks} webhooks in ${configurations} configurations have a CA bundle and ready endpoints`
  },
)

check(
  'infra/lb-controller-log',
  {
    asserts:
      "the controller's log or events show the gateway's load balancer made or reconciled and nothing failed since, and no authorization error since its start",
    guide: '1',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/lb-controller'],
    remedy:
      'an authorization error names the IAM action (or the RBAC verb) that the controller\'s role lacks: add it; the guide\'s "Successfully created LB" is logged by no version',
  },
  async ({ stack, expect }) => {
    const { namespace, labels, reconciled } = await loadBalancerController(stack)
    const pods = (await stack.all('v1/Pod')).filter(
      (pod) =>
        pod.metadata?.namespace === namespace &&
        Object.entries(labels).every(([key, value]) => pod.metadata?.labels?.[key] === value),
    )
    expect(pods.length, "the controller's pods").toBeGreaterThan(0)
    expect(
      pods.some((pod) => conditionOf(pod, 'Ready')?.status === 'True'),
      "one of the controller's pods is Ready",
    ).toBe(true)
    const logs = await Promise.all(pods.map((pod) => stack.k8s.log({ name: pod.metadata?.name ?? '', namespace })))
    const lines = logs.flatMap((log) => log.split('\n'))
    const refused = lines.filter((line) =>
      /AccessDenied|UnauthorizedOperation|not authorized to perform|is forbidden: User/.test(line),
    )
    expect(refused.slice(-3), 'authorization errors in the log since its start').toBeNone()
    const gateway = stack.config.gateway
    // Events are kept for an hour; the log goes back to the controller's start.
    const { items: events } = await stack.k8s.list('v1/Event', {
      namespace: gateway.namespace,
      fields: `involvedObject.name=${gateway.service}`,
    })
    const told = events.some(({ reason }) =>
      /^(SuccessfullyReconciled|IPAllocated|nodeAssigned)$/.test(reason as string),
    )
    // An old success stands beside what fails now: the last word counts.
    const last = events
      .filter(({ reason }) => /Reconciled$|^Failed|^IPAllocated$|^AllocationFailed$/.test(String(reason)))
      .toSorted((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)))
      .at(-1)
    expect(
      last?.type === 'Warning' ? `${last.reason}: ${last.message}` : 'no warning',
      `the last event of ${gateway.namespace}/${gateway.service} about its load balancer`,
    ).toBe('no warning')
    expect(
      told || reconciled(lines),
      `an event or a line in the log that says ${gateway.namespace}/${gateway.service} was reconciled`,
    ).toBe(true)
    return `${pods.length} pods, ${lines.length} lines without an authorization error; ${gateway.service} was reconciled`
  },
)
