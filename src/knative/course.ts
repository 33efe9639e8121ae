import { readyPods } from '../kube/pods.ts'
import { readyEndpoints } from '../kube/endpoints.ts'
import { type Mode } from './autoscaler.ts'
import { POD_AUTOSCALER, SERVERLESS_SERVICE } from '../kube/kinds.ts'
import { podsOfRevision, type RevisionName } from './revision.ts'
import { recordWhile, stepsOf, type Snapshot, type Step } from '../kube/timeline.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** What the autoscaler did with a revision, by watch: times are in milliseconds since `began`. */
export interface Course {
  /** As performance.now() has it. */
  began: number
  /** The PodAutoscaler's desired scale. */
  wanted: Step<number>[]
  ready: Step<number>[]
  /** Ready endpoints behind the revision's own Service. */
  endpoints: Step<number>[]
  mode: Step<Mode>[]
  pods: Snapshot[]
}

/** Watches all that the autoscaler moves of a revision while `work` goes on, on one clock; `work` is told when that began. */
export async function courseWhile<T>(
  cluster: Cluster,
  { namespace, revision: name }: RevisionName,
  work: (began: number) => Promise<T>,
): Promise<{ course: Course; result: T }> {
  const began = performance.now()
  const watching = <R>(watched: { kind: string; name?: string; labels?: string }, inner: () => Promise<R>) =>
    recordWhile(cluster.k8s, { namespace, ...watched }, inner, began)
  const slices = `kubernetes.io/service-name=${name}-private`
  const podAutoscaler = await watching({ kind: POD_AUTOSCALER, name }, () =>
    watching({ kind: SERVERLESS_SERVICE, name }, () =>
      watching({ kind: 'discovery.k8s.io/v1/EndpointSlice', labels: slices }, () =>
        watching({ kind: 'v1/Pod', labels: podsOfRevision(name) }, () => work(began)),
      ),
    ),
  )
  const serverless = podAutoscaler.result
  const endpoints = serverless.result
  const pods = endpoints.result
  const course: Course = {
    began,
    wanted: stepsOf(podAutoscaler.snapshots, ([object]) => {
      const desired = object?.status?.desiredScale as number | undefined
      return desired !== undefined && desired >= 0 ? desired : undefined
    }),
    mode: stepsOf(serverless.snapshots, ([object]) => object?.spec?.mode as Mode | undefined),
    endpoints: stepsOf(endpoints.snapshots, readyEndpoints),
    ready: stepsOf(pods.snapshots, (objects) => readyPods(objects).length),
    pods: pods.snapshots,
  }
  return { course, result: pods.result }
}
