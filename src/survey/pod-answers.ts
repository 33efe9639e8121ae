import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt, plainMessage } from '../core/problem.ts'
import { askPod } from '../kube/forward.ts'
import { readyPods } from '../kube/pods.ts'
import type { Readings } from './readings.ts'

/** How many pods of a workload are asked at most, one after the other. */
const ASKED = 2

/** What a pod answered, and which. */
export interface PodAnswer {
  pod: string
  body: string
}

/**
 * GETs a path of a port of one of the Ready pods: of the first that answers, of two.
 * @throws NotLookedAt where none is Ready, or none answers in time
 */
export async function askReadyPod(
  readings: Readings,
  pods: readonly KubernetesObject[],
  { port, path, what }: { port: number; path: string; what: string },
): Promise<PodAnswer> {
  const ready = readyPods(pods)
  if (ready.length === 0) throw new NotLookedAt(`${what} could not be read: no pod of it is Ready`)
  let why = ''
  for (const { metadata } of ready.slice(0, ASKED)) {
    const { name = '', namespace = '' } = metadata ?? {}
    try {
      const body = await askPod(readings.k8s, { name, namespace, port }, { path, within: 'surveyAsk' })
      return { pod: `Pod ${namespace}/${name}`, body }
    } catch (problem) {
      readings.signal.throwIfAborted()
      why = plainMessage(problem)
    }
  }
  throw new NotLookedAt(`${what} could not be read: ${why}`)
}
