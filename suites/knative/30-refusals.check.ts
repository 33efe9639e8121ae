import { check } from '../../src/check/check.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { refusalOf } from '../../src/kube/errors.ts'

// All of these are dry runs: the API server and the webhooks say what they would say, and nothing is stored.

check(
  'knative/example-edit-refused',
  {
    asserts:
      "an edit of config-domain's _example is refused by the webhook, with the text that says to copy the key to the top",
    guide: '3',
    level: 'required',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy:
      'without the refusal a domain written into _example is taken and ignored: see that config.webhook.serving.knative.dev is in place and Fail',
  },
  async ({ stack, expect }) => {
    const map = await stack.one('v1/ConfigMap', 'config-domain', KNATIVE)
    const _example = `${String(map.data?._example ?? '')}\nexample.org: ""\n`
    const refusal = await refusalOf(
      stack.k8s.patch(
        { kind: 'v1/ConfigMap', name: 'config-domain', namespace: KNATIVE },
        { data: { _example } },
        { dryRun: true },
      ),
    )
    expect(refusal, 'what the webhook says of an edit of _example').toMatch(
      /modifies a key in "_example".*copy the respective setting to the top-level/,
    )
    return `refused: ${refusal}`
  },
)

check(
  'knative/scale-down-rate-one-refused',
  {
    asserts: "max-scale-down-rate 1 in config-autoscaler, as the guide's risk table has it, is refused",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy:
      'to slow the way down use 1.1, scale-down-delay or min-scale; without the refusal the autoscaler would not start with it',
  },
  async ({ stack, expect }) => {
    const change = { data: { 'max-scale-down-rate': '1' } }
    const refusal = await refusalOf(
      stack.k8s.patch({ kind: 'v1/ConfigMap', name: 'config-autoscaler', namespace: KNATIVE }, change, {
        dryRun: true,
      }),
    )
    expect(refusal, 'what the webhook says of max-scale-down-rate 1').toMatch(
      /max-scale-down-rate = 1(\.0+)?, must be greater than 1/,
    )
    return `refused: ${refusal}`
  },
)

check(
  'knative/misplaced-annotations-refused',
  {
    asserts: "autoscaling annotations on a Service's own metadata, not its template's, are refused",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['knative/webhooks'],
    remedy: 'put them under spec.template.metadata.annotations',
  },
  async ({ stack, expect }) => {
    const service = stack.knative.manifest('default', 'misplaced', {
      annotations: { 'autoscaling.knative.dev/min-scale': '1' },
    })
    const refusal = await refusalOf(stack.k8s.dryCreate(service))
    expect(refusal, 'what the webhook says of min-scale on the Service itself').toMatch(
      /autoscaling annotations must be put under "spec\.template\.metadata\.annotations"/,
    )
    return `refused: ${refusal}`
  },
)

check(
  'knative/traffic-must-be-100',
  {
    asserts: 'a Service or Route whose traffic does not add to 100 is refused with a message that says so',
    guide: '8',
    level: 'required',
    effect: 'writes',
    needs: ['knative/webhooks'],
    remedy:
      'see that validation.webhook.serving.knative.dev is in place and Fail: a Route of 60 % would leave the rest to chance',
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('traffic')
    const traffic = [{ latestRevision: true, percent: 60 }]
    const ofService = await refusalOf(stack.k8s.dryCreate(stack.knative.manifest(namespace, 'sixty', { traffic })))
    expect(ofService, 'what the webhook says of a Service with 60 %').toMatch(/Traffic targets sum to 60, want 100/)
    const route = {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Route',
      metadata: { name: 'sixty', namespace },
      spec: { traffic: [{ configurationName: 'sixty', latestRevision: true, percent: 60 }] },
    }
    const ofRoute = await refusalOf(stack.k8s.dryCreate(route))
    expect(ofRoute, 'what the webhook says of a Route with 60 %').toMatch(/Traffic targets sum to 60, want 100/)
    return `refused: ${ofRoute}`
  },
)

const BAD: [what: string, scaling: Record<string, string>, message: RegExp][] = [
  ['min-scale above max-scale', { 'min-scale': '5', 'max-scale': '2' }, /max-scale=2 is less than min-scale=5/],
  ['a target of zero', { target: '0' }, /target 0 should be at least 0\.01/],
  ['an unknown metric', { metric: 'nonsense' }, /invalid value: nonsense: .*autoscaling\.knative\.dev\/metric/],
]

check(
  'knative/bad-annotation-refused',
  {
    asserts: 'min-scale above max-scale, a target of zero and an unknown metric are refused by the webhook',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    needs: ['knative/webhooks'],
    remedy: 'see that validation.webhook.serving.knative.dev is in place and Fail',
  },
  async ({ stack, expect }) => {
    const namespace = await stack.namespace('bad')
    for (const [what, scaling, message] of BAD) {
      const refusal = await refusalOf(stack.k8s.dryCreate(stack.knative.manifest(namespace, 'bad', { scaling })))
      expect(refusal, `what the webhook says of ${what}`).toMatch(message)
    }
    return `refused: ${BAD.map(([what]) => what).join(', ')}`
  },
)
