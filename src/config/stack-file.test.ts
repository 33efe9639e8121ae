import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readStackFile } from './stack-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-'))
const file = join(folder, 'stack.yaml')

function read(text: string, overrides = {}) {
  writeFileSync(file, text)
  return readStackFile(file, overrides)
}

describe('a stack file', () => {
  test('is completed with defaults', () => {
    expect(read('target: kind\n')).toMatchObject({
      vantage: 'local',
      cluster: { name: 'plumbline' },
      deadlines: { factor: 1 },
      images: { onNodes: false },
    })
  })

  test('is overridden by flags, at any depth, and an absent flag overrides nothing', () => {
    const config = read('target: kind\ncluster:\n  name: a\n  zones: [x]\n', {
      target: 'existing',
      context: undefined,
      cluster: { name: 'b' },
    })
    expect(config).toMatchObject({ target: 'existing', cluster: { name: 'b', zones: ['x'] } })
    expect(config.context).toBeUndefined()
  })

  test('takes a mirror relative to itself, and images as on the nodes with one', () => {
    const config = read('target: kind\nmirror: manifests\n')
    expect(config.mirror).toBe(join(folder, 'manifests'))
    expect(config.images.onNodes).toBe(true)
  })

  test.each([
    ['target: kid\n', ':1: target is "kid"; it is one of twin, kind, eks, existing.'],
    ['target: kind\ndomian: x\n', ':2: unknown key "domian"; did you mean "domain"?'],
    ['target: kind\nversions:\n  istoi: "1.2.3"\n', ':3: unknown key "versions.istoi"; did you mean "istio"?'],
    ['target: kind\nzzzzzzzzzzzz: 1\n', ':2: unknown key "zzzzzzzzzzzz"; known are target, '],
    ['target: kind\ndeadlines:\n  factor: fast\n', ':3: deadlines.factor is "fast"; it must be a number.'],
    [
      'target: kind\nversions:\n  kubernetes: 1.34\n',
      ':3: versions.kubernetes is 1.34; it must be a string, in quotes.',
    ],
    [
      'target: kind\nversions:\n  knative: latest\n',
      ':3: versions.knative is "latest"; it must be a version such as 1.34.4.',
    ],
    ['target: existing\nimages: 3\n', ':2: images is 3; it must be a map of keys.'],
    ['target: existing\nmirror: ""\n', ':2: mirror is empty.'],
    ['vantage: here\n', ':1: vantage is "here"; it is one of local, cluster.'],
    ['a: [\n', 'this is not YAML'],
    ['- a\n', ':1: a stack file is a map of keys'],
  ])('says what is wrong with %j, and where', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test('that is not there is said', () => {
    expect(() => readStackFile('/nowhere/stack.yaml')).toThrow(
      'There is no stack file at /nowhere/stack.yaml: give one with --stack.',
    )
  })
})
