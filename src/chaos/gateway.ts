import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readyPods } from '../kube/pods.ts'
import { labelQuery, selectedByService } from '../kube/selector.ts'
import type { Stack } from '../stack/stack.ts'
import type { Workload } from '../survey/survey.ts'
import { theGateway } from '../survey/surveyed.ts'
import { nameOfWorkload } from '../survey/workload-id.ts'
import type { WatchedThrough } from './experiment.ts'
import { spreadAgain, zoneCount } from './spread.ts'

/** The gateway that carries our requests, for faults. */
export interface GatewayUnderFault {
  /** 'Deployment edge/gateway'; several workloads with ' and '. */
  name: string
  workloads: Workload[]
  watched: WatchedThrough
  /** Its pods that are Ready, read now. */
  readyPods: () => Promise<KubernetesObject[]>
  /** The workload that a pod of it is of. */
  workloadOf: (pod: KubernetesObject) => Workload
  /** Spreads its pods over as many zones as they are in now. */
  spreadAgain: () => Promise<void>
}

/**
 * The gateway behind which our requests are answered, with the workloads that make its pods.
 * @throws StackFailure if there is none
 */
export async function gatewayUnderFault(stack: Stack): Promise<GatewayUnderFault> {
  const { service, labels: own, workloads } = await theGateway(stack)
  if (workloads.length === 0)
    throw new StackFailure(
      `Service ${service.namespace}/${service.name}: its selector matches the pods of no workload.`,
    )
  const selector = Object.keys(service.selector).length ? service.selector : own
  const watched: WatchedThrough = {
    title: 'gateway pods Ready',
    kind: 'v1/Pod',
    namespace: service.namespace,
    labels: labelQuery(selector),
    count: (pods) => readyPods(pods).length,
  }
  const zones = await Promise.all(workloads.map((workload) => zoneCount(stack, workload)))
  return {
    name: workloads.map(nameOfWorkload).join(' and '),
    workloads,
    watched,
    readyPods: async () =>
      readyPods((await stack.k8s.list('v1/Pod', { namespace: service.namespace, labels: watched.labels! })).items),
    workloadOf: ({ metadata }) =>
      workloads.find((each) => selectedByService(each.selector, metadata?.labels ?? {})) ?? workloads[0]!,
    async spreadAgain() {
      for (const [at, workload] of workloads.entries()) await spreadAgain(stack, workload, zones[at]!)
    },
  }
}
