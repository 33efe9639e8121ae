import { expect, test } from 'vitest'
import type { Check } from '../check/check.ts'
import { failuresMarkdown } from './failures.ts'
import type { Trial } from './trial.ts'

const check: Check = {
  id: 'mesh/crds',
  suite: 'mesh',
  asserts: 'every CRD of Istio is Established',
  guide: '2',
  level: 'required',
  effect: 'reads',
  remedy: ['install the CRDs of istio-base', 'run the check again'],
  body: () => '',
}
const trial: Trial = {
  sabotage: 'crd-gone',
  breaks: 'the CRD of Gateways is missing',
  fails: ['mesh/crds'],
  seconds: 1,
  healthy: {},
  broken: {},
  said: { 'mesh/crds': 'CustomResourceDefinition gateways: not found\n![a](http://example.com/)', 'mesh/other': 'x' },
  missed: [],
  falseAlarms: [],
}
const matrix = { run: 'r', target: 'twin', context: 'twin', endedAt: '', seconds: 1, skipped: [], without: [] }

test('each check has the text with which it failed, as it is, and its steps', () => {
  const markdown = failuresMarkdown([check, { ...check, id: 'mesh/version' }], { ...matrix, trials: [trial] })
  expect(markdown).toContain(
    [
      '- `crd-gone` (the CRD of Gateways is missing):',
      '',
      '      CustomResourceDefinition gateways: not found',
      '      ![a](http://example.com/)',
    ].join('\n'),
  )
  expect(markdown).toContain('1. install the CRDs of istio-base.\n2. run the check again.')
  expect(markdown).toContain('### mesh/version')
  expect(markdown).toContain('No trial of this matrix broke what this check looks at.')
})
