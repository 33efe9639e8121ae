import type { StackConfig } from '../config/stack-schema.ts'
import { StackFailure } from '../core/problem.ts'
import type { ObjectId } from '../kube/object-id.ts'
import type { Workload } from '../survey/survey.ts'
import {
  theCertManager,
  theGateway,
  theIstiod,
  theKnative,
  theLoadBalancer,
  type Surveyed,
} from '../survey/surveyed.ts'
import { workloadId } from '../survey/workload-id.ts'

/** A part of the stack by what it is; where it stands and by what name, the survey has found. */
export type Part = 'istiod' | 'gateway' | 'balancer' | 'prometheus' | `knative/${string}` | `cert-manager/${string}`

/** Whatever knows the stack file and what was found. */
export type Knowing = Surveyed & { config: StackConfig }

/**
 * The workload of a part.
 * @throws StackFailure where the stack has none
 */
export async function partOf(stack: Knowing, part: Exclude<Part, 'prometheus'>): Promise<Workload> {
  const [name, component = ''] = part.split('/')
  const found =
    name === 'istiod'
      ? (await theIstiod(stack)).workload
      : name === 'gateway'
        ? (await theGateway(stack)).workloads[0]
        : name === 'balancer'
          ? (await theLoadBalancer(stack)).controller
          : (name === 'knative' ? await theKnative(stack) : await theCertManager(stack)).components[component]
  if (!found) throw new StackFailure(`The stack has no ${part} that could be broken.`)
  return found
}

/** The ids of the workloads of parts; Prometheus is a Deployment of its Service's name. */
export const idsOf = (stack: Knowing, parts: readonly Part[] = []): Promise<ObjectId[]> =>
  Promise.all(
    parts.map(async (part) => {
      if (part !== 'prometheus') return workloadId(await partOf(stack, part))
      const [, namespace = '', name = ''] = /^(.+)\/(.+):/.exec(stack.config.observability.prometheus ?? '') ?? []
      return { kind: 'apps/v1/Deployment', namespace, name }
    }),
  )
