import type { IncomingMessage, ServerResponse } from 'node:http'
import type { User } from './access.ts'
import type { Admission } from './admission.ts'
import { validateFields } from './field-validation.ts'
import { answerJson, readBody } from './http-answer.ts'
import { applyFields } from './managed-fields.ts'
import type { KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { applyPatch } from './patches.ts'
import { apiVersionOf, type ResourceRequest } from './request-info.ts'
import { filterOf } from './selectors.ts'
import { badRequest, notFound, StatusError } from './status-error.ts'

interface Write {
  asked: ResourceRequest
  manager: string
  dryRun: boolean
  mode: string
  user: User
  response: ServerResponse
}

/** The requests that change objects: fields are validated, admission is asked, and then they are stored. */
export class Writes {
  readonly #objects: Objects
  readonly #admission: Admission

  constructor(objects: Objects, admission: Admission) {
    this.#objects = objects
    this.#admission = admission
  }

  async handle(
    asked: ResourceRequest,
    query: URLSearchParams,
    user: User,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const body = await readBody(request)
    const write: Write = {
      asked,
      manager: query.get('fieldManager') ?? (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown',
      dryRun: query.get('dryRun') === 'All',
      mode: query.get('fieldValidation') ?? 'Warn',
      user,
      response,
    }
    const type = (request.headers['content-type'] ?? '').split(';')[0] ?? ''
    if (request.method === 'POST' && !asked.name) return this.#create(write, body)
    if (request.method === 'PUT' && asked.name) return this.#put(write, body)
    if (request.method === 'PATCH' && type === 'application/apply-patch+yaml') return this.#apply(write, body, query)
    if (request.method === 'PATCH' && asked.name) return this.#patch(write, body, type)
    if (request.method === 'DELETE') return this.#delete(write, body as DeleteBody | undefined, query)
    throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
  }

  async #create(write: Write, body: unknown): Promise<void> {
    const object = this.#readObject(write, body)
    const warnings = await validateFields(write.asked.resource, object, write.mode)
    const admitted = this.#admit(write, 'CREATE', object, undefined)
    const created = this.#objects.create(write.asked.resource.id, admitted, {
      manager: write.manager,
      dryRun: write.dryRun,
    })
    answerJson(write.response, 201, this.#as(write, created), warnings)
  }

  async #put(write: Write, body: unknown): Promise<void> {
    const { resource, name = '', namespace, subresource } = write.asked
    const object = this.#readObject(write, body)
    const warnings = await validateFields(resource, object, write.mode)
    const old = this.#existing(write)
    if (resource.id === 'namespaces' && subresource === 'finalize') {
      this.#objects.finish('namespaces', name)
      return answerJson(write.response, 200, object)
    }
    const admitted = this.#admit(
      write,
      'UPDATE',
      {
        ...object,
        metadata: {
          ...object.metadata,
          name,
          ...(namespace ? { namespace } : {}),
          managedFields: old.metadata.managedFields ?? [],
        },
      },
      old,
    )
    const updated = this.#objects.update(resource.id, admitted, {
      manager: write.manager,
      dryRun: write.dryRun,
      subresource,
    })
    answerJson(write.response, 200, this.#as(write, updated), warnings)
  }

  async #patch(write: Write, patch: unknown, type: string): Promise<void> {
    const { resource, subresource } = write.asked
    const old = this.#existing(write)
    const patched = applyPatch(type, this.#as(write, old), patch, resource.model !== undefined) as KubeObject
    const warnings = await validateFields(resource, patched, write.mode)
    const admitted = this.#admit(write, 'UPDATE', patched, old)
    const { resourceVersion } = (patch as { metadata?: { resourceVersion?: string } }).metadata ?? {}
    // Only a version that the patch names itself is a condition.
    const next = { ...admitted, metadata: { ...admitted.metadata, ...(resourceVersion ? { resourceVersion } : {}) } }
    if (!resourceVersion) delete next.metadata.resourceVersion
    const updated = this.#objects.update(resource.id, next, {
      manager: write.manager,
      dryRun: write.dryRun,
      subresource,
    })
    answerJson(write.response, 200, this.#as(write, updated), warnings)
  }

  async #apply(write: Write, body: unknown, query: URLSearchParams): Promise<void> {
    const { resource, namespace, name = '', subresource } = write.asked
    if (!query.get('fieldManager'))
      throw badRequest(
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      )
    const object = this.#readObject(write, body)
    const warnings = await validateFields(resource, object, write.mode)
    if (object.metadata.managedFields?.length) throw badRequest('metadata.managedFields must be nil')
    const old = this.#objects.get(resource.id, name, namespace)
    const live = old && this.#as(write, old)
    const applied = applyFields(live, object, write.manager, query.get('force') === 'true')
    const admitted = this.#admit(write, old ? 'UPDATE' : 'CREATE', applied, live)
    delete admitted.metadata.resourceVersion
    const stored = old
      ? this.#objects.update(resource.id, admitted, { dryRun: write.dryRun, subresource })
      : this.#objects.create(resource.id, admitted, { dryRun: write.dryRun })
    answerJson(write.response, old ? 200 : 201, this.#as(write, stored), warnings)
  }

  #delete({ asked, dryRun, response, ...write }: Write, body: DeleteBody | undefined, query: URLSearchParams): void {
    const { resource, namespace, name } = asked
    const grace =
      body?.gracePeriodSeconds ??
      (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined)
    const propagation = body?.propagationPolicy ?? query.get('propagationPolicy') ?? undefined
    const options = {
      graceSeconds: grace,
      dryRun: dryRun || Boolean(body?.dryRun?.length),
      propagation: propagation as 'Background' | undefined,
    }
    const one = (object: KubeObject) => {
      this.#admit({ asked, user: write.user }, 'DELETE', object, object)
      return this.#objects.delete(resource.id, object.metadata.name, object.metadata.namespace, options)
    }
    if (!name) {
      const all = this.#objects.list(resource.id, namespace).filter(filterOf(query))
      const items = all.map(one)
      return answerJson(response, 200, {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(asked),
        metadata: { resourceVersion: String(this.#objects.store.version) },
        items,
      })
    }
    const object = this.#existing({ asked })
    if (body?.preconditions?.uid && body.preconditions.uid !== object.metadata.uid) {
      throw new StatusError(
        409,
        'Conflict',
        `Precondition failed: UID in precondition: ${body.preconditions.uid}, ` +
          `UID in object meta: ${object.metadata.uid}`,
      )
    }
    const deleted = one(object)
    const gone = !this.#objects.get(resource.id, name, namespace)
    answerJson(
      response,
      200,
      gone && resource.id !== 'pods'
        ? {
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Success',
            details: { name, group: resource.group, kind: resource.plural, uid: object.metadata.uid },
          }
        : deleted,
    )
  }

  /** @throws StatusError 400 where the body is no object of the kind and place that the path names */
  #readObject({ asked }: Write, body: unknown): KubeObject {
    const { resource, namespace, name } = asked
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw badRequest('the request body is no object')
    const given = body as KubeObject
    const apiVersion = apiVersionOf(asked)
    if ((given.kind && given.kind !== resource.kind) || (given.apiVersion && given.apiVersion !== apiVersion))
      throw badRequest(
        `the API version in the data (${given.apiVersion}) does not match the expected API version (${apiVersion}), ` +
          `or the kind ${given.kind} is not ${resource.kind}`,
      )
    const metadata = given.metadata ?? {}
    if (metadata.namespace && namespace && metadata.namespace !== namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request ' +
          `(${metadata.namespace} and ${namespace})`,
      )
    if (name && metadata.name && metadata.name !== name)
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
    return {
      ...given,
      apiVersion,
      kind: resource.kind,
      metadata: { ...metadata, ...(name ? { name } : {}), ...(resource.namespaced && namespace ? { namespace } : {}) },
    }
  }

  #existing({ asked: { resource, namespace, name = '' } }: Pick<Write, 'asked'>): KubeObject {
    const found = this.#objects.get(resource.id, name, namespace)
    if (!found) throw notFound(resource.group, resource.plural, name)
    return found
  }

  #admit(
    { asked, user }: Pick<Write, 'asked' | 'user'>,
    operation: 'CREATE' | 'UPDATE' | 'DELETE',
    object: KubeObject,
    old: KubeObject | undefined,
  ): KubeObject {
    return this.#admission.admit({
      operation,
      resource: asked.resource,
      object,
      old,
      subresource: asked.subresource,
      user: user.name,
    })
  }

  #as({ asked }: Pick<Write, 'asked'>, object: KubeObject): KubeObject {
    const apiVersion = apiVersionOf(asked)
    return object.apiVersion === apiVersion ? object : { ...object, apiVersion }
  }
}

interface DeleteBody {
  gracePeriodSeconds?: number
  propagationPolicy?: string
  dryRun?: string[]
  preconditions?: { uid?: string }
}
