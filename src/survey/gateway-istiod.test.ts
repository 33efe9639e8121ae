import { expect, test } from 'vitest'
import { istiodOfPods } from './gateway-istiod.ts'
import type { Istiod } from './survey.ts'

const istiod = (namespace: string, revision: string, tags: string[] = []) =>
  ({ revision, tags, workload: { namespace, name: 'istiod' } }) as unknown as Istiod
const pod = (annotations: Record<string, string>, labels: Record<string, string> = {}, namespace = 'edge') => ({
  metadata: { name: 'gw', namespace, annotations, labels },
})
const of = (marks: ReturnType<typeof pod>, ...istiods: Istiod[]) => istiodOfPods([marks], istiods)

const [old, young] = [istiod('old', '1-30', ['default']), istiod('young', '1-31', ['prod'])]

test('by the revision that injection wrote on the pod, or a tag in its label', () => {
  expect(of(pod({ 'istio.io/rev': '1-31' }), old, young)).toMatchObject({ value: 'young/istiod' })
  const status = { 'sidecar.istio.io/status': JSON.stringify({ revision: '1-31' }) }
  expect(of(pod(status), old, young)).toMatchObject({ value: 'young/istiod' })
  expect(of(pod({}, { 'istio.io/rev': 'prod' }), old, young)).toMatchObject({
    value: 'young/istiod',
    by: 'Pod edge/gw: label istio.io/rev',
  })
})

test('of two of one revision that of its own namespace', () => {
  const [one, two] = [istiod('a', 'default'), istiod('b', 'default')]
  expect(of(pod({ 'istio.io/rev': 'default' }, {}, 'b'), one, two)).toMatchObject({ value: 'b/istiod' })
})

test('the only one, the default one, or none', () => {
  expect(of(pod({ 'sidecar.istio.io/status': 'no JSON' }), young)).toMatchObject({ value: 'young/istiod' })
  expect(of(pod({}), young, old)).toMatchObject({ value: 'old/istiod' })
  expect(of(pod({}))).toHaveProperty('absent')
})
