import type { ObjectId } from '../kube/object-id.ts'
import type { Workload } from './survey.ts'

/** A workload by its kind with version, as the API is asked for it. */
export const workloadId = ({ kind, namespace, name }: Pick<Workload, 'kind' | 'namespace' | 'name'>): ObjectId => ({
  kind: `${kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1'}/${kind}`,
  namespace,
  name,
})

/** 'Deployment edge/gateway'. */
export const nameOfWorkload = ({ kind, namespace, name }: Pick<Workload, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`
