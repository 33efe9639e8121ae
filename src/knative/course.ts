import { readyPods } from '../kube/pods.ts'
import { readyEndpoints } from '../kube/endpoints.ts'
import { type Mode } from './autoscaler.ts'
import { POD_AUTOSCALER, SERVERLESS_SERVICE } from '../kube/kinds.ts'
import { podsOfRevision, type RevisionName } from './revision.ts'
import { recordWhile, stepsOf, type Snapshot, type Step } from '../cluster/timeline.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** How a revision scaled over time, recorded by watch. Times are in milliseconds since `began`. */
export interface Course {
  /** In the time of performance.now(). */
  began: number
  /** The PodAutoscaler's desired scale. */
  desired: Step<number>[]
  ready: Step<number>[]
  /** Ready endpoints behind the revision's own Service. */
  endpoints: Step<number>[]
  mode: Step<Mode>[]
  pods: Snapshot[]
}

/** Records how a revision scales while `work` runs, on one clock; `work` gets the time at which the recording began. */
export async function courseWhile<T>(
  cluster: Cluster,
  { namespace, revision: name }: RevisionName,
  work: (began: number) => Promise<T>,
): Promise<{ course: Course; result: T }> {
  const began = performance.now()
  const watchDuring = <R>(watched: { kind: string; name?: string; labels?: string }, inner: () => Promise<R>) =>
    recordWhile(cluster.k8s, { namespace, ...watched }, inner, began)
  const slices = `kubernetes.io/service-name=${name}-private`
  const podAutoscaler = await watchDuring({ kind: POD_AUTOSCALER, name }, () =>
    watchDuring({ kind: SERVERLESS_SERVICE, name }, () =>
      watchDuring({ kind: 'discovery.k8s.io/v1/EndpointSlice', labels: slices }, () =>
        watchDuring({ kind: 'v1/Pod', labels: podsOfRevision(name) }, () => work(began)),
      ),
    ),
  )
  const serverless = podAutoscaler.result
  const endpoints = serverless.result
  const pods = endpoints.result
  const course: Course = {
    began,
    desired: stepsOf(podAutoscaler.snapshots, ([object]) => {
      const scale = object?.status?.desiredScale as number | undefined
      return scale !== undefined && scale >= 0 ? scale : undefined
    }),
    mode: stepsOf(serverless.snapshots, ([object]) => object?.spec?.mode as Mode | undefined),
    endpoints: stepsOf(endpoints.snapshots, readyEndpoints),
    ready: stepsOf(pods.snapshots, (objects) => readyPods(objects).length),
    pods: pods.snapshots,
  }
  return { course, result: pods.result }
}
