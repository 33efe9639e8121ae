import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testTwin } from '../../test/start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
beforeAll(async () => {
  on = await testTwin()
})
afterAll(() => on.stop())

const MAPS = '/api/v1/namespaces/default/configmaps'
const map = (name: string, data: Record<string, string> = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  data,
})
const apply = (path: string, body: object, manager: string, force = false) =>
  on.call('PATCH', `${path}?fieldManager=${manager}&force=${force}`, body, { type: 'application/apply-patch+yaml' })

describe('the API of the twin', () => {
  test('creates, refuses a second, reads, updates by version and deletes', async () => {
    const { code, body } = await on.call('POST', MAPS, map('one', { a: '1' }))
    expect([code, body.metadata.uid, body.metadata.generation]).toEqual([201, expect.any(String), 1])
    expect((await on.call('POST', MAPS, map('one'))).body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "one" already exists',
    })
    const next = { ...body, data: { a: '2' } }
    expect((await on.call('PUT', `${MAPS}/one`, next)).code).toBe(200)
    expect((await on.call('PUT', `${MAPS}/one`, next)).body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringMatching(
        /^Operation cannot be fulfilled on configmaps "one": the object has been modified/,
      ),
    })
    expect((await on.call('DELETE', `${MAPS}/one`)).body).toMatchObject({ status: 'Success' })
    expect((await on.call('GET', `${MAPS}/one`)).body).toMatchObject({
      code: 404,
      message: 'configmaps "one" not found',
    })
  })

  test('changes nothing, and no version, where nothing differs', async () => {
    const { body } = await on.call('POST', MAPS, map('same', { a: '1' }))
    const again = await on.call('PATCH', `${MAPS}/same`, { data: { a: '1' } }, { type: 'application/merge-patch+json' })
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion)
  })

  test('merges, merges strategically and patches by JSON Patch', async () => {
    await on.call('POST', MAPS, map('patched', { a: '1', b: '2' }))
    const merged = await on.call(
      'PATCH',
      `${MAPS}/patched`,
      { data: { a: null, c: '3' } },
      { type: 'application/merge-patch+json' },
    )
    expect(merged.body.data).toEqual({ b: '2', c: '3' })
    const json = [
      { op: 'test', path: '/data/b', value: '2' },
      { op: 'replace', path: '/data/b', value: '4' },
    ]
    const patched = await on.call('PATCH', `${MAPS}/patched`, json, { type: 'application/json-patch+json' })
    expect(patched.body.data).toEqual({ b: '4', c: '3' })
    expect((await on.call('PATCH', `${MAPS}/patched`, json, { type: 'application/json-patch+json' })).code).toBe(422)
    const path = '/apis/apps/v1/namespaces/knative-serving/deployments/autoscaler'
    const container = { name: 'autoscaler', env: [{ name: 'X', value: '1' }] }
    const strategic = await on.call(
      'PATCH',
      `${path}?dryRun=All`,
      { spec: { template: { spec: { containers: [container] } } } },
      { type: 'application/strategic-merge-patch+json' },
    )
    expect(strategic.body.spec.template.spec.containers).toHaveLength(1)
    expect(strategic.body.spec.template.spec.containers[0]).toMatchObject({
      image: expect.stringContaining('autoscaler'),
      env: container.env,
    })
    const unknown = await on.call('PATCH', `${MAPS}/patched`, '{}', { type: 'text/plain' })
    expect(unknown.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
  })

  test('applies with managers: a conflict names the owner, force takes the field, an omitted one goes', async () => {
    const path = `${MAPS}/applied`
    expect((await apply(path, map('applied', { a: '1', b: '2' }), 'first')).code).toBe(201)
    const conflict = await apply(path, map('applied', { a: '9' }), 'second')
    expect(conflict.body).toMatchObject({
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "first": .data.a',
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] },
    })
    expect((await apply(path, map('applied', { a: '9' }), 'second', true)).body.data).toEqual({ a: '9', b: '2' })
    expect((await apply(path, { ...map('applied'), data: undefined }, 'first')).body.data).toEqual({ a: '9' })
    expect(
      (await on.call('PATCH', `${path}?fieldManager=`, map('applied'), { type: 'application/apply-patch+yaml' })).code,
    ).toBe(400)
  })

  test('stores nothing of a dry run', async () => {
    expect((await on.call('POST', `${MAPS}?dryRun=All`, map('dry'))).code).toBe(201)
    expect((await on.call('GET', `${MAPS}/dry`)).code).toBe(404)
  })

  test('is strict about unknown fields where it is asked to be, warns or drops them else', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'odd' },
      spec: { ports: [{ port: 80, prt: 1 }], nme: 'x' },
    }
    const strict = await on.call(
      'POST',
      '/api/v1/namespaces/default/services?fieldValidation=Strict&dryRun=All',
      service,
    )
    expect(strict.body).toMatchObject({
      code: 400,
      message:
        'Service in version "v1" cannot be handled as a Service: strict decoding error: ' +
        'unknown field "spec.ports[0].prt", unknown field "spec.nme"',
    })
    const lenient = await on.call('POST', '/api/v1/namespaces/default/services?dryRun=All', service)
    expect([lenient.code, lenient.body.spec.nme]).toEqual([201, undefined])
    const wrong = await on.call('POST', '/api/v1/namespaces/default/services', { ...service, spec: { ports: 80 } })
    expect(wrong.body).toMatchObject({
      code: 400,
      message: expect.stringContaining('spec.ports in body must be of type array'),
    })
  })

  test('answers a broken body as Kubernetes does', async () => {
    const broken = await on.call('POST', MAPS, '{"kind": ')
    expect(broken.body).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: expect.stringMatching(/^the object provided is unrecognized/),
    })
    expect((await on.call('POST', MAPS, '[]')).body).toMatchObject({
      code: 400,
      message: 'the request body is no object',
    })
    expect((await on.call('POST', MAPS, { ...map('x'), kind: 'Secret' })).code).toBe(400)
    expect((await on.call('POST', MAPS, 'x', { type: 'application/vnd.kubernetes.protobuf' })).code).toBe(415)
    expect((await on.call('POST', '/api/v1/namespaces/nowhere/configmaps', map('x'))).body).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    })
  })

  test('lists by selectors and in pages', async () => {
    for (const [name, tier] of [
      ['l1', 'a'],
      ['l2', 'b'],
      ['l3', 'a'],
    ] as const)
      await on.call('POST', MAPS, map(name, {}, { labels: { tier } }))
    const names = async (query: string) =>
      ((await on.call('GET', `${MAPS}?${query}`)).body.items as { metadata: { name: string } }[]).map(
        (each) => each.metadata.name,
      )
    expect(await names('labelSelector=tier%3Da')).toEqual(['l1', 'l3'])
    expect(await names('labelSelector=tier%20in%20(b,c)')).toEqual(['l2'])
    expect(await names('labelSelector=tier,tier!%3Da')).toEqual(['l2'])
    expect(await names('fieldSelector=metadata.name%3Dl2')).toEqual(['l2'])
    const first = await on.call('GET', `${MAPS}?labelSelector=tier&limit=2`)
    expect(first.body.metadata.remainingItemCount).toBe(1)
    expect(await names(`labelSelector=tier&limit=2&continue=${first.body.metadata.continue}`)).toEqual(['l3'])
    expect((await on.call('GET', `${MAPS}?labelSelector=a%3D%3D%3D`)).code).toBe(200)
    expect((await on.call('GET', `${MAPS}?fieldSelector=nonsense`)).code).toBe(400)
  })

  test('watches from a version, reports what no longer matches as deleted, ends with 410 if too old', async () => {
    const { body } = await on.call('GET', MAPS)
    const from: string = body.metadata.resourceVersion
    await on.call('POST', MAPS, map('w', {}, { labels: { seen: 'yes' } }))
    await on.call(
      'PATCH',
      `${MAPS}/w`,
      { metadata: { labels: { seen: 'no' } } },
      { type: 'application/merge-patch+json' },
    )
    const events = await on.watch(
      `${MAPS}?watch=true&resourceVersion=${from}&labelSelector=seen%3Dyes&timeoutSeconds=5`,
      2,
    )
    expect(events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ['ADDED', 'w'],
      ['DELETED', 'w'],
    ])
    const initial = await on.watch(
      `${MAPS}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true` +
        '&fieldSelector=metadata.name%3Dw&timeoutSeconds=5',
      2,
    )
    expect(initial.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK'])
    expect(initial[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
    expect(await on.watch(`${MAPS}?watch=true&resourceVersion=${from}&timeoutSeconds=1&labelSelector=none`, 1)).toEqual(
      [],
    )
    for (let at = 0; at < 5200; at++)
      on.twin.objects.ensure('configmaps', {
        ...map('busy', { at: String(at) }),
        metadata: { name: 'busy', namespace: 'default' },
      })
    const [gone] = await on.watch(`${MAPS}?watch=true&resourceVersion=${from}&timeoutSeconds=5`, 1)
    expect(gone).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
  })

  test('keeps what has a finalizer until that is taken off, and deletes what it owned', async () => {
    const { body } = await on.call('POST', MAPS, map('owner', {}, { finalizers: ['example.com/wait'] }))
    await on.call(
      'POST',
      MAPS,
      map(
        'owned',
        {},
        { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: body.metadata.uid }] },
      ),
    )
    await on.call('DELETE', `${MAPS}/owner`)
    expect((await on.call('GET', `${MAPS}/owner`)).body.metadata.deletionTimestamp).toEqual(expect.any(String))
    await on.call(
      'PATCH',
      `${MAPS}/owner`,
      { metadata: { finalizers: null } },
      { type: 'application/merge-patch+json' },
    )
    expect([(await on.call('GET', `${MAPS}/owner`)).code, (await on.call('GET', `${MAPS}/owned`)).code]).toEqual([
      404, 404,
    ])
  })

  test('evicts as far as the budgets allow, and says which does not', async () => {
    const { body } = await on.call('GET', '/api/v1/namespaces/knative-serving/pods?labelSelector=app%3Dactivator')
    const [first, second] = (body.items as { metadata: { name: string } }[]).map((each) => each.metadata.name)
    const eviction = (name = '') => ({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
    const path = (name = '') => `/api/v1/namespaces/knative-serving/pods/${name}/eviction`
    expect((await on.call('POST', path(first), eviction(first))).code).toBe(201)
    expect((await on.call('POST', path(second), eviction(second))).body).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: expect.stringMatching(
              /^The disruption budget activator-pdb needs 1 healthy pods and has [12] currently$/,
            ),
          },
        ],
      },
    })
  })

  test('knows who asks: 401 for a bad token, 403 in words for one without rights', async () => {
    expect((await on.call('GET', '/api/v1/pods', undefined, { token: 'nonsense' })).body).toMatchObject({
      code: 401,
      reason: 'Unauthorized',
    })
    expect((await on.call('GET', '/api/v1/pods', undefined, { token: '' })).body).toMatchObject({
      code: 403,
      message: expect.stringContaining('User "system:anonymous" cannot list resource "pods"'),
    })
    const account = '/api/v1/namespaces/default/serviceaccounts/default/token'
    const { body } = await on.call('POST', account, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    })
    const token: string = body.status.token
    expect((await on.call('GET', '/api/v1/namespaces/default/pods', undefined, { token })).body.message).toBe(
      'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" ' +
        'in API group "" in the namespace "default"',
    )
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'viewer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
    }
    await on.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', binding)
    expect((await on.call('GET', '/api/v1/namespaces/default/pods', undefined, { token })).code).toBe(200)
    expect((await on.call('GET', '/api/v1/pods', undefined, { token })).code).toBe(403)
    expect((await on.call('DELETE', `${MAPS}/same`, undefined, { token })).code).toBe(403)
  })

  test('asks webhooks: refusals word for word, and failure while nobody answers', async () => {
    const services = '/apis/serving.knative.dev/v1/namespaces/default/services?dryRun=All'
    const service = (spec: object, annotations = {}) => ({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: 'x' },
      spec: {
        template: {
          metadata: { annotations },
          spec: { containers: [{ image: 'docker.io/library/node:24-alpine' }], ...spec },
        },
      },
    })
    const said = async (spec: object, annotations: Record<string, string> = {}): Promise<string> =>
      (await on.call('POST', services, service(spec, annotations))).body.message as string
    const denied = 'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
    const at = 'spec.template.metadata.annotations.autoscaling.knative.dev/'
    expect(await said({}, { 'autoscaling.knative.dev/window': '5s' })).toBe(
      `${denied}expected 6s <= 5s <= 1h0m0s: ${at}window`,
    )
    expect(await said({}, { 'autoscaling.knative.dev/initial-scale': '0' })).toBe(
      `${denied}invalid value: 0: ${at}initial-scale=0 not allowed by cluster`,
    )
    expect(await said({ containerConcurrency: -1 })).toBe(
      `${denied}expected 0 <= -1 <= 1000: spec.template.spec.containerConcurrency`,
    )
    expect(await said({ timeoutSeconds: 700 })).toBe(
      `${denied}expected 0 <= 700 <= 600: spec.template.spec.timeoutSeconds`,
    )
    expect(await said({ affinity: {}, hostNetwork: true })).toBe(
      `${denied}must not set the field(s): spec.template.spec.affinity, spec.template.spec.hostNetwork`,
    )
    const deployment = '/apis/apps/v1/namespaces/knative-serving/deployments/webhook'
    const scale = (replicas: number) =>
      on.call('PATCH', deployment, { spec: { replicas } }, { type: 'application/merge-patch+json' })
    await scale(0)
    await expect
      .poll(() => said({}))
      .toMatch(
        /^Internal error occurred: failed calling webhook "webhook.serving.knative.dev": .*no endpoints .* "webhook"$/,
      )
    await scale(2)
  })

  test('speaks discovery, aggregated discovery, OpenAPI and tables', async () => {
    const { body: groups } = await on.call('GET', '/apis')
    expect((groups.groups as { name: string }[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['apps', 'serving.knative.dev', 'metrics.k8s.io']),
    )
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    expect((await on.call('GET', '/apis', undefined, { accept })).body.kind).toBe('APIGroupDiscoveryList')
    const openapi = await on.call('GET', '/openapi/v3/apis/apps/v1')
    expect(openapi.body.components.schemas.V1Deployment.properties.spec).toEqual({
      $ref: '#/components/schemas/V1DeploymentSpec',
    })
    const table = await on.call('GET', '/api/v1/nodes', undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    expect([table.body.kind, table.body.rows[0].cells.slice(0, 3)]).toEqual([
      'Table',
      ['plumbline-control-plane', 'Ready', 'control-plane'],
    ])
    expect((await on.call('GET', '/apis/nonsense.io/v1')).code).toBe(404)
  })
})
