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
    const config = read('target: kind\ncluster:\n  name: a\nbring:\n  zones: [x]\n', {
      target: 'existing',
      context: undefined,
      cluster: { name: 'b' },
    })
    expect(config).toMatchObject({ target: 'existing', cluster: { name: 'b' }, bring: { zones: ['x'] } })
    expect(config.context).toBeUndefined()
  })

  test('takes a mirror relative to itself, and images as on the nodes with one', () => {
    const config = read('target: kind\nbring: { mirror: manifests }\n')
    expect(config.bring.mirror).toBe(join(folder, 'manifests'))
    expect(config.images.onNodes).toBe(true)
  })

  test.each([
    ['target: kid\n', ':1: target: found "kid", expected one of twin, kind, eks, existing.'],
    ['target: kind\nvantge: local\n', ':2: unknown key "vantge"; did you mean "vantage"?'],
    [
      'target: kind\nbring:\n  versions:\n    istoi: "1.2.3"\n',
      ':4: unknown key "bring.versions.istoi"; did you mean "istio"?',
    ],
    ['target: kind\nzzzzzzzzzzzz: 1\n', ':2: unknown key "zzzzzzzzzzzz"; known keys are target, '],
    ['target: kind\ndeadlines:\n  factor: fast\n', ':3: deadlines.factor: found "fast", expected a number.'],
    [
      'target: kind\nbring:\n  versions:\n    kubernetes: 1.34\n',
      ':4: bring.versions.kubernetes: found 1.34, expected a string, in quotes.',
    ],
    [
      'target: kind\nbring:\n  versions:\n    knative: latest\n',
      ':4: bring.versions.knative: found "latest", expected a version such as 1.34.4.',
    ],
    ['target: existing\nimages: 3\n', ':2: images: found 3, expected a map of keys.'],
    ['target: existing\nbring:\n  mirror: ""\n', ':3: bring.mirror: empty, expected a value.'],
    ['vantage: here\n', ':1: vantage: found "here", expected one of local, cluster.'],
    ['a: [\n', 'not valid YAML'],
    ['- a\n', ':1: a map of keys is expected'],
  ])('says what is wrong with %j, and where', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test('that does not exist is named', () => {
    expect(() => readStackFile('/nowhere/stack.yaml')).toThrow(
      'Stack file /nowhere/stack.yaml not found: set --stack to the path of one.',
    )
  })
})
