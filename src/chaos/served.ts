import { podsOfRevision } from '../knative/revision.ts'
import { workloadNamespace } from '../cluster/workload.ts'
import { readyPods } from '../kube/pods.ts'
import { Autoscaler } from '../knative/autoscaler.ts'
import { type ReadyService, type ServiceOptions } from '../knative/knative.ts'
import type { Stack } from '../stack/stack.ts'
import { podsReady } from '../kube/until.ts'
import type { WatchedThrough } from './experiment.ts'

const TWO = { 'min-scale': '2', 'max-scale': '2' }

/** A Service of two pods with a budget, with traffic through the activators, Knative's default. Created once a run. */
export const openProxiedService = (stack: Stack): Promise<ReadyService> => openService(stack, 'proxied', TWO)

/** A Service of two pods with a budget, with traffic past the activators. Created once a run. */
export const openServedService = (stack: Stack): Promise<ReadyService> =>
  // The termination grace period of its pods is its timeout: a container must stop within that.
  openService(stack, 'served', { ...TWO, 'target-burst-capacity': '0' }, { timeoutSeconds: 5 })

/** The pods of a Service's revision, to watch during a fault. */
export const podsWatched = ({ namespace, revision }: ReadyService): WatchedThrough => ({
  title: 'pods Ready',
  kind: 'v1/Pod',
  namespace,
  labels: podsOfRevision(revision),
  count: (pods) => readyPods(pods).length,
})

const openService = (
  stack: Stack,
  name: string,
  scaling: Record<string, string>,
  more: ServiceOptions = {},
): Promise<ReadyService> =>
  stack.shared(name, async () => {
    const namespace = await workloadNamespace(stack, name)
    await stack.applyFixture('chaos/budget.yaml', { namespace, name })
    const service = await stack.knative.service(namespace, name, { scaling, ...more })
    await new Autoscaler(stack, service).untilPods(2)
    return service
  })

/** Two versions of the workload behind one Service, whose selector chooses one of them. */
export class SwitchedService {
  readonly host: string
  readonly #namespace: string
  readonly #stack: Stack

  private constructor(stack: Stack, namespace: string) {
    this.#stack = stack
    this.#namespace = namespace
    this.host = `switch.${namespace}.test`
  }

  /** Creates both versions and the Service, which selects v1. */
  static async create(stack: Stack): Promise<SwitchedService> {
    const namespace = await workloadNamespace(stack, 'switch')
    const switched = new SwitchedService(stack, namespace)
    for (const version of ['v1', 'v2']) await stack.applyFixture('rollout/ab-version.yaml', { namespace, version })
    await switched.choose('v1')
    await stack.applyFixture('mesh/route.yaml', { namespace, host: switched.host, name: 'switch', service: 'switch' })
    await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=ab' }, podsReady(2), 'podReady')
    return switched
  }

  /** Has the Service select the pods of a version. */
  async choose(version: string): Promise<void> {
    await this.#stack.applyFixture('chaos/switch.yaml', { namespace: this.#namespace, version })
  }
}
