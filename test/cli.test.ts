import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { answer, CORE, fakeApi } from './fake-api.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'plumbline-cli-'))

const write = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
/** Runs the command line with nothing but Node on its PATH. */
const plumbline = (args: string[], env: Record<string, string> = {}) =>
  execa(process.execPath, [MAIN, ...args], {
    reject: false,
    all: true,
    env: { PATH: '/nowhere', KUBECONFIG: join(folder, 'none'), CI: '', ...env },
  })

const kubeconfig = (server: string) =>
  write(
    'kubeconfig',
    [
      'apiVersion: v1',
      'kind: Config',
      `clusters: [{ name: c, cluster: { server: "${server}", insecure-skip-tls-verify: true } }]`,
      'users: [{ name: u, user: { token: hush } }]',
      'contexts: [{ name: here, context: { cluster: c, user: u } }]',
      'current-context: here',
      '',
    ].join('\n'),
  )

describe('a bad input is one plain sentence and exit code 3', () => {
  test.each([
    ['an unknown command', ['certfy'], /unknown command 'certfy'/],
    ['an unknown flag', ['certify', '--mirrour', 'x'], /unknown option '--mirrour'/],
    ['a stack file that is not there', ['certify', '--stack', '/nowhere.yaml'], /Stack file \/nowhere\.yaml not found/],
    [
      'a kubeconfig that is not there',
      ['certify', '--target', 'existing', '--kubeconfig', '/nowhere'],
      /There is no kubeconfig at \/nowhere/,
    ],
    [
      'certify of a check that is none',
      ['certify', '--only', 'nope'],
      /^"nope" is not a suite, an effect or a check\./,
    ],
    ['--only without a name', ['certify', '--only', ','], /^--only names nothing/],
    [
      'no kubeconfig',
      ['certify', '--target', 'existing'],
      /^There is no kubeconfig: KUBECONFIG names .*none, which does not exist\. Give one with --kubeconfig FILE\.$/,
    ],
    ['both --only and --rerun', ['certify', '--only', 'infra', '--rerun', 'latest'], /exclude each other/],
    [
      'a run that is not there',
      ['certify', '--rerun', '20200101-000000-abcd'],
      /Run "20200101-000000-abcd" not found|No runs found/,
    ],
    ['a report of nothing', ['report'], /No runs found in reports\//],
    ['no kind on the PATH', ['up'], /kind is not on the PATH: get it from https:/],
    ['a time limit that is none', ['certify', '--time-limit', 'soon'], /--time-limit is "soon"/],
    [
      'a deadline factor that is none',
      ['certify', '--target', 'existing', '--deadline-factor', 'x'],
      /deadlines\.factor/,
    ],
    [
      'a check that is none',
      ['list', '--only', 'mesh/nothing'],
      /"mesh\/nothing" is not a suite, an effect or a check\. Did you mean "mesh\//,
    ],
    [
      'disruption without a context',
      ['certify', '--target', 'existing', '--allow-disruption'],
      /needs its context typed out: --context NAME/,
    ],
    ['a plan for kind', ['up', '--plan', '--target', 'kind'], /--plan is for the target eks/],
    ['an EKS cluster to bring up without its name', ['up', '--target', 'eks'], /name is typed out: --name NAME/],
    [
      'disruption of an EKS cluster without its name',
      ['certify', '--target', 'eks', '--allow-disruption'],
      /needs its name typed out: --name NAME/,
    ],
    [
      'an EKS cluster in no region',
      ['certify', '--target', 'eks', '--name', 'c'],
      /No region of AWS is known: give --region, aws\.region in stack\.yaml, or AWS_REGION/,
    ],
    [
      'no helm on the PATH',
      ['up', '--target', 'eks', '--name', 'c', '--region', 'eu-west-1'],
      /helm is not on the PATH/,
    ],
    [
      'a region that is none',
      ['certify', '--target', 'eks', '--region', 'europe'],
      /aws\.region: found "europe", expected a region/,
    ],
    [
      'a cluster to bring up that is not ours',
      ['up', '--target', 'existing'],
      /up and down work on the targets kind and eks/,
    ],
  ])('%s', async (_, args, message) => {
    const done = await plumbline(args)
    expect(done.all).toMatch(message)
    expect(done.all).not.toMatch(/\n\s+at /)
    expect(done.exitCode).toBe(3)
  })

  test.each([
    [[], true],
    [['--stack', write('untargeted.yaml', 'vantage: local\n')], true],
    [['--stack', write('targeted.yaml', 'target: twin\n')], false],
    [['--target', 'twin'], false],
  ])('in CI a target that is not named: %j', async (args, isRefused) => {
    const done = await plumbline(['certify', '--only', 'nope', ...args], { CI: 'true' })
    const refusal = /^No target is named, and in CI \(CI is set\) Plumbline does not certify its twin by default:/
    expect(done.all).toMatch(isRefused ? refusal : /^"nope" is not a suite/)
    expect(done.exitCode).toBe(3)
  })

  test.each([
    [
      'waive: [{ check: mesh/analyse-clean, match: a, because: b, until: 2027-01-01 }]\n',
      /:1: waive\[0\]\.check: "mesh\/analyse-clean" is not a check\. Did you mean "mesh\/analyze-clean"\?/,
    ],
    [
      'ours: { headers: { X: { env: NOBODY_SETS_IT } } }\n',
      /^ours\.headers\.X of stack\.yaml: the variable NOBODY_SETS_IT/,
    ],
  ])('a stack file that asks for what is not there, before anything is started: %j', async (text, message) => {
    const done = await plumbline(['certify', '--target', 'kind', '--stack', write('asking.yaml', text)])
    expect(done.all).toMatch(message)
    expect(done.exitCode).toBe(3)
  })

  test('a wrong context, with those that there are', async () => {
    const done = await plumbline([
      'certify',
      '--target',
      'existing',
      '--context',
      'there',
      '--kubeconfig',
      kubeconfig('http://127.0.0.1:1'),
    ])
    expect(done.all).toMatch(/has no context "there"; it has here\./)
    expect(done.exitCode).toBe(3)
  })

  test('a cluster that does not answer', async () => {
    const done = await plumbline(['certify', '--target', 'existing', '--kubeconfig', kubeconfig('http://127.0.0.1:1')])
    expect(done.all).toMatch(/The cluster at http:\/\/127\.0\.0\.1:1 does not answer \(ECONNREFUSED\)/)
    expect(done.exitCode).toBe(3)
  })

  test('an expired token, which is not shown', async () => {
    await using fake = await fakeApi((_, response) => answer(response, { message: 'Unauthorized' }, 401))
    const done = await plumbline(['certify', '--target', 'existing', '--kubeconfig', kubeconfig(fake.api.server)])
    expect(done.all).toMatch(/does not accept these credentials \(401\)/)
    expect(done.all).not.toContain('hush')
    expect(done.exitCode).toBe(3)
  })

  test('a mirror without a file', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'plumbline-bin-'))
    for (const program of ['kind', 'istioctl', 'docker'])
      writeFileSync(join(bin, program), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const done = await plumbline(['up', '--mirror', folder], { PATH: `${bin}:/bin:/usr/bin` })
    expect(done.all).toContain(`The mirror folder has no ${join(folder, 'metallb.yaml')}`)
    expect(done.exitCode).toBe(3)
  })

  test('Docker that does not run', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'plumbline-bin-'))
    for (const program of ['kind', 'istioctl'])
      writeFileSync(join(bin, program), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    writeFileSync(
      join(bin, 'docker'),
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "Cannot connect to the Docker daemon" >&2; exit 1\n',
      { mode: 0o755 },
    )
    const done = await plumbline(['up'], { PATH: `${bin}:/bin:/usr/bin` })
    expect(done.all).toMatch(/Docker does not answer \(Cannot connect to the Docker daemon\): start its engine/)
    expect(done.exitCode).toBe(3)
  })
})

describe('the command line', () => {
  test.each(['certify', 'up', 'down', 'list', 'report', 'recover', 'test'])(
    '%s --help has an example',
    async (command) => {
      const done = await plumbline([command, '--help'])
      expect(done.stdout).toMatch(/\nExample: plumbline /)
      expect(done.exitCode).toBe(0)
    },
  )

  test('lists the checks, those of a suite with what they need', async () => {
    expect((await plumbline(['list'])).stdout).toMatch(/\n137 checks$/)
    const { stdout } = await plumbline(['list', '--only', 'mesh/gateway-ports', '--json'])
    expect((JSON.parse(stdout) as { id: string }[]).map(({ id }) => id)).toEqual([
      'mesh/gateway-service-type',
      'mesh/gateway-ports',
    ])
  })

  test('has a catalogue in docs/ that is of these checks', async () => {
    const { stdout } = await execa(process.execPath, [MAIN, 'list', '--markdown'])
    const { stdout: published } = await execa('cat', [join(import.meta.dirname, '..', 'docs', 'catalogue.md')])
    expect(published.trim()).toBe(stdout.trim())
  })

  test('recovers nothing where nothing is left', async () => {
    expect((await plumbline(['recover'])).stdout).toBe('nothing to recover')
  })

  test('runs what was cut off at a check without an API as errors, not passes', async () => {
    // An API that answers who we are and what it serves, and nothing else.
    const known: Record<string, object> = {
      '/version': { gitVersion: 'v1.34.4' },
      '/api': CORE,
      '/api/v1': CORE,
      '/apis': { groups: [] },
    }
    await using fake = await fakeApi((request, response) => {
      const body = known[request.path]
      answer(response, body ?? { message: 'gone' }, body ? 200 : 500)
    })
    const done = await plumbline([
      'certify',
      '--target',
      'existing',
      '--kubeconfig',
      kubeconfig(fake.api.server),
      '--only',
      'infra/nodes-ready',
      '--trace',
    ])
    expect(done.all).toMatch(/error {3}infra\/nodes-ready.*the API server answered 500: gone \(tried 4 times\)/)
    expect(done.all).toMatch(/^incomplete \(/m)
    const folder = join(process.env.PLUMBLINE_REPORTS ?? '', /^run (\S+):/m.exec(done.stdout)?.[1] ?? '')
    expect(readFileSync(join(folder, 'trace.jsonl'), 'utf8')).toMatch(
      /"check":"infra\/nodes-ready","type":"call","api":"kubernetes","verb":"GET","path":"\/api\/v1\/\w+\?limit=500","tries":4,"status":500/,
    )
    expect(done.exitCode).toBe(2)
  }, 120_000)
})
