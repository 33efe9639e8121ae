import { check } from '../../src/check/check.ts'
import { gatewayName } from '../../src/cluster/gateway-service.ts'
import { eksOf } from '../../src/cloud/eks-kubeconfig.ts'
import { loadBalancerController, nodesWithoutSpeaker } from '../../src/cloud/load-balancer.ts'
import { deploymentTroubles } from '../../src/kube/pods.ts'
import { conditionOf } from '../../src/kube/until.ts'

check(
  'infra/lb-controller',
  {
    asserts:
      'the load balancer controller is Available and configured: on AWS --cluster-name names this cluster; ' +
      'with MetalLB every node has a Ready speaker, and an IPAddressPool is advertised',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe on the pods that are not Ready',
      'On EKS install the AWS Load Balancer Controller with clusterName set to the name of the EKS cluster',
      'With MetalLB create an IPAddressPool, and an L2Advertisement or BGPAdvertisement that selects it',
    ],
  },
  async ({ stack, expect }) => {
    const controller = await loadBalancerController(stack)
    expect(deploymentTroubles(controller.deployment), 'The load balancer controller is not Available').toBeNone()
    if (controller.kind === 'aws') {
      const args = (controller.deployment.spec?.template?.spec?.containers?.[0]?.args ?? []) as string[]
      const name = args.map((arg) => /^--cluster-name=(.+)$/.exec(arg)?.[1]).find((value) => value !== undefined)
      const argument = 'Deployment kube-system/aws-load-balancer-controller, argument --cluster-name'
      expect(Boolean(name)).toHold(`${argument}: not set`)
      const known = stack.run.aws?.cluster ?? eksOf(stack.k8s.config).cluster
      if (known) expect(name, `${argument} (expected: the name of the EKS cluster)`).toBe(known)
      const note = known ? '' : ' (not compared: the kubeconfig does not name the EKS cluster)'
      return `aws-load-balancer-controller is Available, with --cluster-name=${name}${note}`
    }
    const speaker = await stack.one('apps/v1/DaemonSet', 'speaker', 'metallb-system')
    const nodes = await stack.all('v1/Node')
    const readySpeakers = Number(speaker.status?.numberReady ?? 0)
    expect(readySpeakers === nodes.length).toHold(
      `DaemonSet metallb-system/speaker: ${readySpeakers} pods are Ready, ${nodes.length} are expected, ` +
        `one on each node (missing on ${(await nodesWithoutSpeaker(stack, speaker)).join(', ')})`,
    )
    const pools = await stack.all('metallb.io/v1beta1/IPAddressPool')
    const ranges = pools.flatMap((pool) => (pool.spec?.addresses ?? []) as string[])
    expect(ranges.length > 0).toHold(`MetalLB: no IPAddressPool has an address range (${pools.length} pools exist)`)
    const advertisements = [
      ...(await stack.all('metallb.io/v1beta1/L2Advertisement')),
      ...(await stack.all('metallb.io/v1beta1/BGPAdvertisement')),
    ]
    const advertised = pools.filter((pool) =>
      advertisements.some(
        ({ spec }) => !spec?.ipAddressPools?.length || spec.ipAddressPools.includes(pool.metadata?.name),
      ),
    )
    expect(advertised.length > 0).toHold(
      `MetalLB: no L2Advertisement or BGPAdvertisement advertises any of the IPAddressPools ` +
        `${pools.map((pool) => pool.metadata?.name).join(', ')}`,
    )
    return `MetalLB: the controller is Available, ${readySpeakers} speakers are Ready, addresses ${ranges.join(', ')}`
  },
)

check(
  'infra/lb-controller-webhook',
  {
    asserts: "the load balancer controller's admission webhooks have a CA bundle and ready endpoints",
    guide: '1',
    level: 'required',
    effect: 'reads',
    needs: ['infra/lb-controller'],
    remedy: [
      'Restart the controller, which writes its CA into the webhook configuration when it starts',
      'Compare the selector of the webhook Service with the labels of the pods, and see that these are Ready',
    ],
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
      "the load balancer controller reconciled the gateway's load balancer, nothing failed afterwards, and its log " +
      'has no authorization error',
    guide: '1',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/lb-controller'],
    remedy: [
      'Run kubectl describe service on the gateway Service and read its last event',
      "Add the IAM action of an authorization error to the policy of the controller's role, or the verb to its RBAC",
      'Do not look for "Successfully created LB" as the guide says: no version logs it',
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, labels, reconciled } = await loadBalancerController(stack)
    const pods = (await stack.all('v1/Pod')).filter(
      (pod) =>
        pod.metadata?.namespace === namespace &&
        Object.entries(labels).every(([key, value]) => pod.metadata?.labels?.[key] === value),
    )
    expect(pods.length, `Pods of the load balancer controller in namespace ${namespace}`).toBeGreaterThan(0)
    expect(pods.some((pod) => conditionOf(pod, 'Ready')?.status === 'True')).toHold(
      `None of the ${pods.length} pods of the load balancer controller in namespace ${namespace} is Ready`,
    )
    const logs = await Promise.all(pods.map((pod) => stack.k8s.log({ name: pod.metadata?.name ?? '', namespace })))
    const lines = logs.flatMap((log) => log.split('\n'))
    const refused = lines.filter((line) =>
      /AccessDenied|UnauthorizedOperation|not authorized to perform|is forbidden: User/.test(line),
    )
    expect(refused.slice(-3), 'Authorization errors in the log of the load balancer controller').toBeNone()
    const gateway = await gatewayName(stack)
    // Events are kept for an hour; the log goes back to the controller's start.
    const { items: events } = await stack.k8s.list('v1/Event', {
      namespace: gateway.namespace,
      fields: `involvedObject.name=${gateway.name}`,
    })
    const hasSucceeded = events.some(({ reason }) =>
      /^(SuccessfullyReconciled|IPAllocated|nodeAssigned)$/.test(reason as string),
    )
    // An old success may stand beside a later failure: the last event counts.
    const last = events
      .filter(({ reason }) => /Reconciled$|^Failed|^IPAllocated$|^AllocationFailed$/.test(String(reason)))
      .toSorted((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)))
      .at(-1)
    const service = `Service ${gateway.namespace}/${gateway.name}`
    expect(last?.type !== 'Warning').toHold(
      `${service}: its last load balancer event is a Warning: ${last?.reason}: ${last?.message}`,
    )
    expect(hasSucceeded || reconciled(lines)).toHold(
      `${service}: neither an event nor the log of the load balancer controller says that it was reconciled`,
    )
    return `${service} was reconciled; no authorization error in ${lines.length} log lines of ${pods.length} pods`
  },
)
