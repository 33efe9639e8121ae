import { workloadNamespace } from '../cluster/workload.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { CONFIGURATION, ROUTE } from '../kube/kinds.ts'
import type { Stack } from '../stack/stack.ts'
import { allTrue } from '../kube/until.ts'

/** One target of a Route's traffic. */
export interface TrafficTarget {
  revisionName?: string
  latestRevision?: boolean
  percent: number
  tag?: string
}

const NAME = 'blue-green'
// One pod per revision, as in the guide: the change of traffic is measured without cold starts.
const SCALING = { 'min-scale': '1', 'max-scale': '1' }

/**
 * The guide's blue/green rollout: a Configuration whose first revision is blue and whose second is green, and a Route
 * of our own. Created once a run; each check continues with the traffic as the check before left it.
 */
export class BlueGreen {
  readonly host: string
  readonly namespace: string
  readonly blue: string
  readonly #stack: Stack
  #green = ''

  private constructor(stack: Stack, namespace: string, blue: string, host: string) {
    this.#stack = stack
    this.namespace = namespace
    this.blue = blue
    this.host = host
  }

  /** The rollout of this run; the first call creates it with all traffic to blue. */
  static open(stack: Stack): Promise<BlueGreen> {
    return stack.shared(NAME, async () => {
      const namespace = await workloadNamespace(stack, NAME)
      const blue = await revisionOf(stack, namespace, 'blue')
      const route = await applyRoute(stack, namespace, [{ revisionName: blue, percent: 100 }])
      const { host } = await stack.knative.serving(String(route.status?.url))
      return new BlueGreen(stack, namespace, blue, host)
    })
  }

  /**
   * The second revision.
   * @throws StackFailure before `release` has created it
   */
  get green(): string {
    if (!this.#green)
      throw new StackFailure(`Configuration ${this.namespace}/${NAME}: the green revision does not exist yet.`)
    return this.#green
  }

  /** Changes the Configuration, which creates the green revision; it gets no traffic yet. */
  async release(): Promise<string> {
    return (this.#green = await revisionOf(this.#stack, this.namespace, 'green'))
  }

  /** Sets the Route's traffic, and waits until the Route is Ready: every gateway has the new traffic then. */
  async traffic(...targets: TrafficTarget[]): Promise<KubernetesObject> {
    return applyRoute(this.#stack, this.namespace, targets)
  }

  /** The host under which a tag of the Route is served. */
  async hostOf(tag: string): Promise<string> {
    const route = await this.#stack.k8s.get(ROUTE, NAME, this.namespace)
    const traffic = (route.status?.traffic ?? []) as { tag?: string; url?: string }[]
    const url = traffic.find((target) => target.tag === tag)?.url
    if (!url) throw new StackFailure(`Route ${this.namespace}/${NAME}: status.traffic has no URL for tag ${tag}.`)
    return (await this.#stack.knative.serving(url)).host
  }
}

/** Applies the Configuration with a version of the workload, and gives its revision once that is Ready. */
async function revisionOf(stack: Stack, namespace: string, version: string): Promise<string> {
  const { template } = stack.knative.manifest(namespace, NAME, { scaling: SCALING, env: { VERSION: version } }).spec
  const { apiVersion, kind } = { apiVersion: 'serving.knative.dev/v1', kind: 'Configuration' }
  await stack.apply({ apiVersion, kind, metadata: { name: NAME, namespace }, spec: { template } })
  const [configuration] = await stack.until(
    { kind: CONFIGURATION, namespace, name: NAME },
    (objects) =>
      allTrue('Ready')(objects) ??
      (objects[0]?.status?.latestReadyRevisionName === objects[0]?.status?.latestCreatedRevisionName
        ? undefined
        : `revision ${objects[0]?.status?.latestCreatedRevisionName} is not Ready yet`),
    'serviceReady',
  )
  return String(configuration?.status?.latestReadyRevisionName)
}

async function applyRoute(stack: Stack, namespace: string, traffic: TrafficTarget[]): Promise<KubernetesObject> {
  await stack.apply({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Route',
    metadata: { name: NAME, namespace },
    spec: { traffic },
  })
  const [route] = await stack.until({ kind: ROUTE, namespace, name: NAME }, allTrue('Ready'), 'serviceReady')
  if (!route) throw new StackFailure(`Route ${namespace}/${NAME} does not exist any more.`)
  return route
}
