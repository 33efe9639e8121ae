import { check } from '../../src/check/check.ts'
import { balancerController, balancing, controllerTroubles } from '../../src/cloud/balancer-controller.ts'
import { eventsOfService, readBalancerEvents } from '../../src/cloud/balancer-events.ts'
import { readControllerLog, REFUSALS_COUNT_MINUTES, timedLines } from '../../src/cloud/controller-log.ts'
import { eksOf } from '../../src/cloud/eks-kubeconfig.ts'
import { announcementOf, speakersOf } from '../../src/cloud/metallb.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { alivePods } from '../../src/kube/pods.ts'
import { selects } from '../../src/kube/selector.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'infra/lb-controller',
  {
    asserts:
      "the controller that makes the gateway's load balancer is Available and configured: AWS's names this cluster " +
      "by --cluster-name; MetalLB's speakers are Ready, and the pool of the gateway's address is advertised",
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe on the pods that are not Ready',
      'On EKS install the AWS Load Balancer Controller with clusterName set to the name of the EKS cluster',
      'With MetalLB create an IPAddressPool, and an L2Advertisement or BGPAdvertisement that selects it',
      'For a load balancer that Plumbline does not know set addresses.ingress or loadBalancer.maker in stack.yaml',
    ],
  },
  async ({ stack, expect, remark }) => {
    const found = await balancerController(stack)
    const { controller, balancer } = found
    const name = `Deployment ${controller.namespace}/${controller.name}`
    expect(await controllerTroubles(stack, found), 'The load balancer controller is not Available').toBeNone()
    if (balancer.maker === 'aws-lbc') {
      const argument = `${name}, argument --cluster-name`
      expect(Boolean(controller.clusterName)).toHold(`${argument}: not set`)
      const known = stack.run.aws?.cluster ?? eksOf(stack.k8s.config).cluster
      if (known) expect(controller.clusterName, `${argument} (expected: the name of the EKS cluster)`).toBe(known)
      const note = known ? '' : ' (not compared: the kubeconfig does not name the EKS cluster)'
      return `${name} of the AWS Load Balancer Controller is Available, --cluster-name=${controller.clusterName}${note}`
    }
    if (balancer.maker !== 'metallb') return `${name} of ${found.facts.title} is Available`
    const { speakers } = balancer
    if (!speakers) return `${name} of MetalLB is Available; it has no speakers, so something else announces addresses`
    const { ready, troubles, remarks } = await speakersOf(stack, speakers)
    expect(troubles, `DaemonSet ${speakers.namespace}/${speakers.name} of MetalLB's speakers`).toBeNone()
    for (const text of remarks) remark(text)
    const { trouble, seen } = await announcementOf(stack, found)
    expect(trouble === undefined).toHold(`MetalLB: ${trouble}`)
    return `MetalLB: ${name} is Available, ${ready} speakers are Ready; ${seen}`
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
    const { facts, service } = await balancerController(stack)
    const { webhooks: pattern, title } = facts
    if (!pattern) throw new DoesNotApply(`The load balancer of ${service} is made by ${title}, which has no webhooks.`)
    const { webhooks, configurations, troubles } = await stack.webhooks.readiness(({ name }) => pattern.test(name))
    if (webhooks === 0 && facts.mayHaveNoWebhooks)
      throw new DoesNotApply(`${facts.mayHaveNoWebhooks}, and this one does.`)
    expect(webhooks, `Admission webhooks of ${title}`).toBeGreaterThan(0)
    expect(troubles, "The load balancer controller's admission webhooks cannot be called").toBeNone()
    return (
      `${counted(webhooks, 'webhook')} in ${counted(configurations, 'configuration')} ` +
      `${webhooks === 1 ? 'has' : 'have'} a CA bundle and ready endpoints`
    )
  },
)

check(
  'infra/lb-controller-log',
  {
    asserts:
      "the gateway's load balancer was reconciled and nothing failed afterwards; the controller's log has no " +
      `authorization error since then or in the last ${REFUSALS_COUNT_MINUTES} minutes`,
    guide: '1',
    level: 'recommended',
    effect: 'reads',
    remedy: [
      'Run kubectl describe service on the gateway Service and read its last event',
      "Add the IAM action of an authorization error to the policy of the controller's role, or the verb to its RBAC",
      'Do not look for "Successfully created LB" as the guide says: no version logs it',
    ],
  },
  async ({ stack, expect, measure }) => {
    const { gateway, balancer, facts, service } = await balancing(stack)
    const { namespace, name } = gateway.service
    const object = await stack.one('v1/Service', name, namespace)
    // Events are kept for an hour, and a log is rotated: an address may be older than both.
    const { last, goodAt } = readBalancerEvents(await eventsOfService(stack, object))
    expect(last?.type !== 'Warning').toHold(
      `${service}: its last load balancer event is a Warning: ${last?.reason}: ${last?.message}`,
    )
    const addresses = balancer.addresses.join(', ')
    const { controller } = balancer
    if (!controller || !facts.logs) {
      if (!last)
        throw new DoesNotApply(
          `The load balancer of ${service} is made by ${facts.title}: no event tells of it, and no log can be read.`,
        )
      return `${service}: ${facts.title} said ${last.reason}; its address is ${addresses || 'not set'}`
    }
    const pods = alivePods(await stack.all('v1/Pod')).filter(
      ({ metadata }) =>
        metadata?.namespace === controller.namespace &&
        selects({ matchLabels: { ...controller.selector } }, metadata?.labels ?? {}),
    )
    expect(pods.length, `Pods of Deployment ${controller.namespace}/${controller.name}`).toBeGreaterThan(0)
    const { container } = facts.logs
    const logs = await Promise.all(
      pods.map(({ metadata }) => {
        const pod = { name: metadata?.name ?? '', namespace: controller.namespace, container }
        return stack.k8s.log(pod, { tail: LINES_READ, timestamps: true })
      }),
    )
    const now = (await stack.k8s.clock()).getTime()
    const lines = timedLines(logs)
    const log = readControllerLog(lines, `${namespace}/${name}`, facts.logs, { now, toldAt: goodAt })
    measure('log lines read', lines.length, 'lines')
    const since = log.reconciledAt === undefined ? '' : ` after ${new Date(log.reconciledAt).toISOString()}, when it`
    const because = since ? `${since} last reconciled ${service}, or of the last ${REFUSALS_COUNT_MINUTES} minutes` : ''
    expect(log.refused.slice(-3), `Authorization errors in the log of ${facts.title}${because}`).toBeNone()
    expect(log.reconciledAt !== undefined || addresses !== '').toHold(
      `${service} has no address, and neither an event nor the log of ${facts.title} says that it was reconciled`,
    )
    const when =
      log.reconciledAt === undefined ? 'before the log begins' : `at ${new Date(log.reconciledAt).toISOString()}`
    return `${service} was reconciled ${when}; no authorization error since in ${counted(lines.length, 'log line')}`
  },
)

/** As much of each pod's log as is read: hours of a controller that has little to do. */
const LINES_READ = 5000
