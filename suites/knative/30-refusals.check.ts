import { check } from '../../src/check/check.ts'
import { refusalOf } from '../../src/kube/errors.ts'

// All of these are dry runs: the API server and the webhooks validate the object, and nothing is stored.

check(
  'knative/example-edit-refused',
  {
    asserts: "the webhook refuses an edit of config-domain's _example and says to copy the setting to the top level",
    guide: '3',
    level: 'required',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy: [
      'Restore ValidatingWebhookConfiguration config.webhook.serving.knative.dev with failurePolicy: Fail',
      'Until then, set no domain inside _example: Knative accepts and ignores it',
    ],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.knative.namespace()
    const map = await stack.one('v1/ConfigMap', 'config-domain', namespace)
    const _example = `${String(map.data?._example ?? '')}\nexample.org: ""\n`
    const refusal = await refusalOf(
      stack.k8s.patch(
        { kind: 'v1/ConfigMap', name: 'config-domain', namespace },
        { data: { _example } },
        { dryRun: true },
      ),
    )
    expect(refusal, 'Webhook response to an edit of _example in ConfigMap config-domain').toMatch(
      /modifies a key in "_example".*copy the respective setting to the top-level/,
    )
    return `the webhook refused it: ${refusal}`
  },
)

check(
  'knative/scale-down-rate-one-refused',
  {
    asserts: "the webhook refuses max-scale-down-rate 1 in config-autoscaler (the value in the guide's risk table)",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy: [
      'Restore the webhook config.webhook.serving.knative.dev: with a rate of 1 the autoscaler does not start',
      'Set max-scale-down-rate to 1.1, or use scale-down-delay or min-scale, to slow down scaling in',
    ],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.knative.namespace()
    const change = { data: { 'max-scale-down-rate': '1' } }
    const refusal = await refusalOf(
      stack.k8s.patch({ kind: 'v1/ConfigMap', name: 'config-autoscaler', namespace }, change, {
        dryRun: true,
      }),
    )
    expect(refusal, 'Webhook response to max-scale-down-rate 1 in ConfigMap config-autoscaler').toMatch(
      /max-scale-down-rate = 1(\.0+)?, must be greater than 1/,
    )
    return `the webhook refused it: ${refusal}`
  },
)

check(
  'knative/misplaced-annotations-refused',
  {
    asserts: 'the webhook refuses autoscaling annotations in the metadata of a Service instead of its template',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy: [
      'Restore the webhook validation.webhook.serving.knative.dev with failurePolicy: Fail',
      'Set autoscaling annotations under spec.template.metadata.annotations',
    ],
  },
  async ({ stack, expect }) => {
    const service = stack.knative.manifest('default', 'misplaced', {
      annotations: { 'autoscaling.knative.dev/min-scale': '1' },
    })
    const refusal = await refusalOf(stack.dryCreate(service))
    expect(refusal, 'Webhook response to min-scale in metadata.annotations of a Service').toMatch(
      /autoscaling annotations must be put under "spec\.template\.metadata\.annotations"/,
    )
    return `the webhook refused it: ${refusal}`
  },
)

check(
  'knative/traffic-must-be-100',
  {
    asserts: 'the webhook refuses a Service or Route whose traffic percentages do not add up to 100',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/webhooks'],
    remedy: ['Restore the webhook validation.webhook.serving.knative.dev with failurePolicy: Fail'],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('traffic')
    const traffic = [{ latestRevision: true, percent: 60 }]
    const serviceRefusal = await refusalOf(stack.dryCreate(stack.knative.manifest(namespace, 'sixty', { traffic })))
    expect(serviceRefusal, 'Webhook response to a Service with 60 % of traffic').toMatch(
      /Traffic targets sum to 60, want 100/,
    )
    const route = {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Route',
      metadata: { name: 'sixty', namespace },
      spec: { traffic: [{ configurationName: 'sixty', latestRevision: true, percent: 60 }] },
    }
    const routeRefusal = await refusalOf(stack.dryCreate(route))
    expect(routeRefusal, 'Webhook response to a Route with 60 % of traffic').toMatch(
      /Traffic targets sum to 60, want 100/,
    )
    return `the webhook refused both: ${routeRefusal}`
  },
)

const BAD: [what: string, scaling: Record<string, string>, message: RegExp][] = [
  ['min-scale above max-scale', { 'min-scale': '5', 'max-scale': '2' }, /max-scale=2 is less than min-scale=5/],
  ['a target of 0', { target: '0' }, /target 0 should be at least 0\.01/],
  ['an unknown metric', { metric: 'nonsense' }, /invalid value: nonsense: .*autoscaling\.knative\.dev\/metric/],
]

check(
  'knative/bad-annotation-refused',
  {
    asserts: 'the webhook refuses min-scale above max-scale, a target of 0 and an unknown metric',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/webhooks'],
    remedy: ['Restore the webhook validation.webhook.serving.knative.dev with failurePolicy: Fail'],
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('bad')
    for (const [what, scaling, message] of BAD) {
      const refusal = await refusalOf(stack.dryCreate(stack.knative.manifest(namespace, 'bad', { scaling })))
      expect(refusal, `Webhook response to ${what}`).toMatch(message)
    }
    return `the webhook refused ${BAD.map(([what]) => what).join(', ')}`
  },
)
