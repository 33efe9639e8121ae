import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { withoutSecrets } from '../core/secrets.ts'
import { ourHeaders } from './our-headers.ts'
import { readStackFile, type StackOverrides } from './stack-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-'))
const file = join(folder, 'stack.yaml')

function read(text: string, overrides: StackOverrides = {}) {
  writeFileSync(file, text)
  return readStackFile(file, overrides)
}

describe('what is expected', () => {
  const BRING = 'bring:\n  versions: { istio: 1.31.0, kubernetes: 1.34.4 }\n  domain: a.example\n'

  test.each(['kind', 'twin'])('on %s is what is brought, where nothing else is said', (target) => {
    expect(read(`target: ${target}\n${BRING}`).expect).toMatchObject({
      versions: { istio: '1.31.0', kubernetes: '1.34.4' },
      domain: 'a.example',
      zones: 3,
    })
  })

  test('on eks is what is brought but its Kubernetes, and no number of zones', () => {
    expect(read(`target: eks\n${BRING}`).expect).toEqual({
      versions: { istio: '1.31.0' },
      domain: 'a.example',
      nlb: { scheme: 'internal' },
    })
  })

  test('on existing is nothing that is not said', () => {
    expect(read(`target: existing\n${BRING}`).expect).toEqual({ versions: {}, nlb: {} })
    const said = 'expect: { versions: { istio: 1.30.2 }, domain: b.example, zones: 1, scheme: https }\n'
    expect(read(`target: existing\n${BRING}${said}`).expect).toEqual({
      ...{ versions: { istio: '1.30.2' }, domain: 'b.example', zones: 1, scheme: 'https', nlb: {} },
    })
  })

  test('of a version is none where it may be any, and may be a minor version of what is brought', () => {
    expect(
      read(`target: kind\n${BRING}expect: { versions: { istio: any, kubernetes: '1.34' } }\n`).expect,
    ).toMatchObject({
      versions: { kubernetes: '1.34' },
    })
    expect(read(`target: kind\n${BRING}expect: { versions: { istio: any } }\n`).expect.versions.istio).toBeUndefined()
  })

  test.each([
    [
      `target: kind\n${BRING}expect:\n  versions:\n    istio: 1.30.0\n`,
      ':7: expect.versions.istio is 1.30.0, but bring.versions.istio is 1.31.0: ' +
        'the target kind gets what bring says. Make them agree, or leave expect.versions.istio out.',
    ],
    [
      `target: kind\n${BRING}expect: { domain: b.example }\n`,
      ':5: expect.domain is b.example, but bring.domain is a.ex',
    ],
    ['target: twin\nexpect: { zones: 2 }\n', ':2: expect.zones is 2, but bring.zones has 3: the target twin gets what'],
  ])('is refused where what is brought cannot meet it: %j', (text, message) => {
    expect(() => read(text)).toThrow(message)
    expect(() => read(text, { target: 'existing' })).not.toThrow()
  })
})

describe('a stack file is refused in a sentence with its line', () => {
  test.each([
    ['versions: {}\n', ':1: unknown key "versions"; it is now bring.versions (what kind and eks install) and expect.'],
    ['domain: x\n', ':1: unknown key "domain"; it is now bring.domain (what kind and eks install) and expect.domain'],
    ['cluster:\n  zones: [a]\n', ':2: unknown key "cluster.zones"; it is now bring.zones'],
    ['cluster:\n  nodeImage: a\n', ':2: unknown key "cluster.nodeImage"; it is now bring.nodeImage.'],
    ['nlb: {}\n', ':1: unknown key "nlb"; it is now expect.nlb.'],
    ['aws:\n  controller: {}\n', ':2: unknown key "aws.controller"; it is now bring.controller.'],
    ['addresses: { pool: a }\n', ':1: unknown key "addresses.pool"; it is now bring.pool.'],
    ['mirror: a\n', ':1: unknown key "mirror"; it is now bring.mirror.'],
    [
      'expect:\n  versions:\n    istio: newest\n',
      ':3: expect.versions.istio: found "newest", expected a version such as',
    ],
    ['expect:\n  zones: three\n', ':2: expect.zones: found "three", expected a number.'],
    ['expect: { scheme: ftp }\n', ':1: expect.scheme: found "ftp", expected one of http, https.'],
    ['gateway: { servic: a }\n', ':1: unknown key "gateway.servic"; did you mean "service"?'],
    ['istio:\n  istiod: {}\n  revision: a\n', ':3: unknown key "istio.revision"; known keys are istiod.'],
    ['loadBalancer: { maker: nobody }\n', ':1: loadBalancer.maker: found "nobody", expected one of aws-lbc,'],
    ['chaos: { nodes: 0 }\n', ':1: chaos.nodes: found 0, expected'],
    ['chaos:\n  mayEvict:\n    - db\n', ':3: chaos.mayEvict[0]: found "db", expected NAMESPACE/NAME, or NAMESPACE/*.'],
    ['ours: { pullSecrets: [a] }\n', ':1: ours.pullSecrets[0]: found "a", expected NAMESPACE/NAME of a Secret.'],
    ['ours: { labels: [a] }\n', ':1: ours.labels: found ["a"], expected a map of keys.'],
    ['ours: { registry: "https://x" }\n', ':1: ours.registry: found "https://x", expected HOST or HOST/PATH of a'],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test.each([
    ['{ match: a, because: b, until: 2027-01-01 }', ':1: waive[0] has no check: give the id of the check'],
    ['{ check: mesh/a, because: b, until: 2027-01-01 }', ':1: waive[0] has no match: give a part of the finding'],
    ['{ check: mesh/a, match: a, until: 2027-01-01 }', ':1: waive[0] has no because: give the reason'],
    ['{ check: mesh/a, match: a, because: b }', ':1: waive[0] has no until: give the last day on which it holds'],
    ['{ check: mesh/a, match: a, because: b, until: soon }', ':1: waive[0].until: found "soon", expected a date such'],
    [
      '{ check: mesh/a, match: a, because: b, until: 2027-02-30 }',
      ':1: waive[0].until: found "2027-02-30", expected a',
    ],
    [
      '{ check: mesh/a, match: "/(/", because: b, until: 2027-01-01 }',
      ':1: waive[0].match: found "/(/", expected a part',
    ],
    [
      '{ check: mesh/a, match: { cod: x }, because: b, until: 2027-01-01 }',
      ':1: waive[0].match: found {"cod":"x"}, exp',
    ],
    [
      '{ check: mesh/a, mach: a, match: a, because: b, until: 2027-01-01 }',
      ':1: unknown key "waive[0].mach"; did you mean',
    ],
  ])('a waiver %s', (waiver, message) => {
    expect(() => read(`waive: [${waiver}]\n`)).toThrow(message)
  })
})

describe('headers of ours', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('come from the file, a variable or another file, and no value is in the stack or shown', () => {
    vi.stubEnv('GATEWAY_COOKIE', 'session=from-a-variable')
    writeFileSync(join(folder, 'token'), 'Bearer from-a-file\n')
    const config = read(
      'ours:\n  headers:\n    X-Key: { value: from-the-stack }\n' +
        '    Cookie: { env: GATEWAY_COOKIE }\n    Authorization: { file: token }\n',
    )
    expect(JSON.stringify(config)).not.toContain('from-')
    expect(ourHeaders(config)).toEqual({
      ...{ 'X-Key': 'from-the-stack', Cookie: 'session=from-a-variable', Authorization: 'Bearer from-a-file' },
    })
    expect(withoutSecrets('a from-the-stack, Cookie: session=from-a-variable; token from-a-file.')).toBe(
      'a (not shown), Cookie: (not shown); token (not shown).',
    )
  })

  test.each([
    ['X: { env: NOT_SET }', 'ours.headers.X of stack.yaml: the variable NOT_SET is empty or not set.'],
    [
      'X: { file: nowhere }',
      `ours.headers.X of stack.yaml: the file ${join(folder, 'nowhere')} cannot be read (ENOENT).`,
    ],
    ['X: { value: "secret-one\\nsecret-two" }', 'ours.headers.X of stack.yaml: its value has more than one line.'],
  ])('are asked for before a run: %s', (header, message) => {
    expect(() => ourHeaders(read(`ours: { headers: { ${header} } }\n`))).toThrow(message)
  })

  test.each([
    ['X: { value: hush-hush, env: B }', ':1: ours.headers.X: not as expected, expected one of value, env'],
    ['X: {}', ':1: ours.headers.X: not as expected, expected one of value, env'],
    ['X: hush-hush', ':1: ours.headers.X: not as expected, expected a map of keys.'],
    ['X: { valu: hush-hush }', ':1: unknown key "ours.headers.X.valu"; did you mean "value"?'],
    ['"a b": { value: hush-hush }', ':1: ours.headers.a b: not as expected, expected the name of a header.'],
  ])('are refused without showing them: %s', (header, message) => {
    const refused = () => read(`ours: { headers: { ${header} } }\n`)
    expect(refused).toThrow(message)
    expect(refused).not.toThrow('hush')
  })
})
