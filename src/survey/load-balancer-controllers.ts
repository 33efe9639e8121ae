import type { KubernetesObject } from '../core/object.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Readings } from './readings.ts'
import type { LoadBalancer } from './survey.ts'
import { workloadOf } from './workloads.ts'

/** The controllers of load balancers that run in a cluster: where they stand is not given. */
export interface Controllers {
  aws?: KubernetesObject | undefined
  metallb?: KubernetesObject | undefined
  /** MetalLB's DaemonSet. */
  speakers?: KubernetesObject | undefined
}

interface Container {
  name: string
  args?: string[]
  env?: { name: string }[]
}

const containersOf = ({ spec }: KubernetesObject): Container[] =>
  (spec?.template?.spec?.containers ?? []) as Container[]

const labelOf = ({ spec }: KubernetesObject, key: string): string | undefined =>
  (spec?.template?.metadata?.labels as Record<string, string> | undefined)?.[key]

const isMetalLb = (workload: KubernetesObject, component: string): boolean =>
  (labelOf(workload, 'app') === 'metallb' && labelOf(workload, 'component') === component) ||
  (labelOf(workload, 'app.kubernetes.io/name') === 'metallb' &&
    labelOf(workload, 'app.kubernetes.io/component') === component) ||
  containersOf(workload).some(
    ({ name, env = [] }) => name === component && env.some((each) => each.name.startsWith('METALLB_')),
  )

/**
 * Finds them by their admission webhooks, whose names are compiled in, and by containers and labels where these have
 * none.
 */
export async function loadBalancerControllers(readings: Readings): Promise<Controllers> {
  const [deployments, daemonSets, behind] = await Promise.all([
    readings.list('apps/v1/Deployment'),
    readings.list('apps/v1/DaemonSet'),
    webhookDeployments(readings),
  ])
  return {
    aws:
      behind('.elbv2.k8s.aws') ??
      deployments.find((each) => containersOf(each).some(({ name }) => name === 'aws-load-balancer-controller')),
    metallb: behind('.metallb.io') ?? deployments.find((each) => isMetalLb(each, 'controller')),
    speakers: daemonSets.find((each) => isMetalLb(each, 'speaker')),
  }
}

interface Webhook {
  name: string
  clientConfig?: { service?: { namespace?: string; name?: string } }
}

/** Gives the Deployment behind the webhooks whose names end so. */
async function webhookDeployments(readings: Readings): Promise<(suffix: string) => KubernetesObject | undefined> {
  const kinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']
  const [deployments, services, ...configurations] = await Promise.all([
    readings.list('apps/v1/Deployment'),
    readings.list('v1/Service'),
    ...kinds.map((kind) => readings.list(`admissionregistration.k8s.io/v1/${kind}`).catch(() => [])),
  ])
  const webhooks = configurations.flat().flatMap((each) => (each.webhooks ?? []) as Webhook[])
  return (suffix) => {
    const ref = webhooks.find(({ name }) => name.endsWith(suffix))?.clientConfig?.service
    const service = services.find(
      ({ metadata }) => metadata?.namespace === ref?.namespace && metadata?.name === ref?.name,
    )
    return deployments.find(
      ({ metadata, spec }) =>
        metadata?.namespace === ref?.namespace &&
        selectedByService(
          service?.spec?.selector as Record<string, string> | undefined,
          (spec?.template?.metadata?.labels ?? {}) as Record<string, string>,
        ),
    )
  }
}

/** The value of an argument of a workload's containers, as --NAME=VALUE. */
export const argOf = (workload: KubernetesObject | undefined, name: string): string | undefined =>
  (workload ? containersOf(workload) : [])
    .flatMap(({ args = [] }) => args)
    .find((arg) => arg.startsWith(`--${name}=`))
    ?.slice(name.length + 3)

/** The controller of the AWS Load Balancer Controller or of MetalLB, as the survey has it. */
export async function controllerOf(
  readings: Readings,
  workload: KubernetesObject | undefined,
): Promise<Pick<LoadBalancer, 'controller'>> {
  if (!workload) return {}
  const clusterName = argOf(workload, 'cluster-name')
  return { controller: { ...(await workloadOf(workload, readings)), ...(clusterName ? { clusterName } : {}) } }
}
