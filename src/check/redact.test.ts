import { describe, expect, test } from 'vitest'
import { redacted } from './redact.ts'

const env = [
  { name: 'PASSWORD', value: 'hush' },
  { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
]
const containers = [{ name: 'app', image: 'app:1', args: ['--level=debug'], command: ['/app'], env }]
const template = { spec: { containers, initContainers: containers } }

describe('what is shown of an object', () => {
  test('of a Secret: its keys and no value', () => {
    const secret = {
      kind: 'Secret',
      metadata: {
        name: 's',
        managedFields: [1],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'aHVzaA==', mine: 'kept' },
      },
      data: { 'tls.key': 'aHVzaA==' },
      stringData: { password: 'hush' },
    }
    const shown = redacted(secret)
    expect(JSON.stringify(shown)).not.toMatch(/aHVzaA|hush|managedFields/)
    expect(shown).toMatchObject({ metadata: { annotations: { mine: 'kept' } }, data: { 'tls.key': '(not shown)' } })
  })

  test.each([
    ['Pod', { spec: { containers, ephemeralContainers: containers } }],
    ['Deployment', { spec: { template } }],
    ['Job', { spec: { template } }],
    ['CronJob', { spec: { jobTemplate: { spec: { template } } } }],
    ['Service', { apiVersion: 'serving.knative.dev/v1', spec: { template } }],
    ['List', { items: [{ spec: { template } }] }],
  ])('of a %s: no value of an environment variable, but its source, arguments and commands', (kind, body) => {
    const shown = JSON.stringify(redacted({ kind, metadata: { name: 'x' }, ...body }))
    expect(shown).not.toContain('hush')
    expect(shown).toContain('{"name":"PASSWORD","value":"(not shown)"}')
    expect(shown).toContain('"secretKeyRef":{"name":"s","key":"k"}')
    expect(shown).toContain('--level=debug')
    expect(shown).toContain('"command":["/app"]')
  })

  test('of an environment that is a map: its names', () => {
    expect(redacted({ kind: 'IstioOperator', spec: { values: { pilot: { env: { TOKEN: 'hush' } } } } })).toMatchObject({
      spec: { values: { pilot: { env: { TOKEN: '(not shown)' } } } },
    })
  })

  test('leaves the object as it was: others of the run read it too', () => {
    const object = {
      kind: 'Pod',
      metadata: {
        name: 'x',
        managedFields: [1],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
      spec: { containers },
    }
    const before = structuredClone(object)
    redacted(object)
    expect(object).toEqual(before)
  })
})
