import type { IncomingMessage, ServerResponse } from 'node:http'
import { evict } from '../cluster/disruption.ts'
import type { KubernetesHooks } from '../cluster/hooks.ts'
import type { Access } from './access.ts'
import { answerJson, readBody } from './http-answer.ts'
import type { KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { applyPatch } from './patches.ts'
import type { ResourceRequest } from './request-info.ts'
import { notFound } from './status-error.ts'

/** Whether a request is for a subresource with objects of its own: a pod's eviction, a scale, a token. */
export const isSubresourceCall = ({ subresource }: ResourceRequest): boolean =>
  ['eviction', 'scale', 'token'].includes(subresource ?? '')

/** Serves those. */
export async function serveSubresource(
  asked: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
  objects: Objects,
  access: Access,
  query: URLSearchParams,
  hooks: KubernetesHooks,
): Promise<void> {
  const { resource, namespace, name = '', subresource } = asked
  const object = objects.get(resource.id, name, namespace)
  if (!object) throw notFound(resource.group, resource.plural, name)
  const body = (await readBody(request)) as KubeObject | undefined
  if (subresource === 'eviction') {
    const dryRun = (body?.deleteOptions?.dryRun as string[] | undefined)?.length ?? query.get('dryRun')
    if (!dryRun) evict(objects, object, body?.deleteOptions?.gracePeriodSeconds as number | undefined, hooks)
    return answerJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
  }
  if (subresource === 'token') {
    const seconds = Number(body?.spec?.expirationSeconds ?? 3600)
    const { token, expires } = access.issueToken(namespace ?? '', name, seconds)
    return answerJson(response, 201, {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace },
      spec: { audiences: [], expirationSeconds: seconds, ...body?.spec },
      status: { token, expirationTimestamp: expires.toISOString() },
    })
  }
  const scale = scaleOf(object)
  if (request.method === 'GET') return answerJson(response, 200, scale)
  const type = (request.headers['content-type'] ?? '').split(';')[0] ?? ''
  const next = (request.method === 'PATCH' ? applyPatch(type, scale, body, true) : body) as KubeObject
  const changed = objects.change(
    resource.id,
    name,
    namespace,
    (draft) => void (draft.spec.replicas = Number(next.spec?.replicas ?? 0)),
  )
  answerJson(response, 200, scaleOf(changed ?? object))
}

const scaleOf = (object: KubeObject): KubeObject => ({
  kind: 'Scale',
  apiVersion: 'autoscaling/v1',
  metadata: {
    name: object.metadata.name,
    namespace: object.metadata.namespace ?? '',
    uid: object.metadata.uid ?? '',
    resourceVersion: object.metadata.resourceVersion ?? '',
  },
  spec: { replicas: object.spec.replicas },
  status: {
    replicas: object.status?.replicas ?? 0,
    selector: Object.entries((object.spec.selector?.matchLabels ?? {}) as Record<string, string>)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  },
})
