import { ApiRefusal } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
const NEEDED = [
  { verb: 'create', group: '', resource: 'pods', subresource: 'eviction' },
  { verb: 'patch', group: '', resource: 'nodes' },
]

/**
 * Which rights to drain a node this account lacks, as a sentence; undefined where it has them, or where the API server
 * does not serve access reviews.
 */
export async function missingDrainRights(api: Kubernetes): Promise<string | undefined> {
  const denied: string[] = []
  try {
    for (const resourceAttributes of NEEDED) {
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      }
      const { body } = await api.raw('POST', REVIEWS, { body: JSON.stringify(review) })
      const { status } = JSON.parse(body) as { status?: { allowed?: boolean } }
      const { verb, resource, subresource } = resourceAttributes
      if (status?.allowed === false) denied.push(`${verb} ${[resource, subresource].filter(Boolean).join('/')}`)
    }
  } catch (problem) {
    if (problem instanceof ApiRefusal) return undefined
    throw problem
  }
  if (denied.length === 0) return undefined
  return `this account may not ${denied.join(' and ')}: grant that to drain nodes, or use another context`
}
