import { readFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadCatalogue } from '../src/check/catalogue.ts'
import { setDeadlineFactor } from '../src/core/deadlines.ts'
import { performAll } from '../src/check/perform-all.ts'
import { Performer } from '../src/check/perform.ts'
import type { CheckRecord } from '../src/core/record.ts'
import { Aws } from '../src/cloud/aws.ts'
import { describeCluster, eksToken } from '../src/cloud/eks-cluster.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { prepareRun } from '../src/run/prepare.ts'
import { Stack } from '../src/stack/stack.ts'
import { testTwin } from './start-twin.ts'

const REGION = 'eu-west-1'
let on: Awaited<ReturnType<typeof testTwin>>
let kubeconfig: string
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'twin')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'twin')
  on = await testTwin('aws')
  kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
})
afterAll(async () => {
  setDeadlineFactor(1)
  vi.unstubAllEnvs()
  await on.stop()
})
afterEach(async () => {
  setDeadlineFactor(1)
  const { body } = await on.call('GET', '/apis/twin.plumbline.dev/v1/defects')
  for (const { metadata } of body.items ?? [])
    await on.call('DELETE', `/apis/twin.plumbline.dev/v1/defects/${metadata.name}`)
})

const break_ = (name: string) =>
  on.call('POST', '/apis/twin.plumbline.dev/v1/defects', {
    apiVersion: 'twin.plumbline.dev/v1',
    kind: 'Defect',
    metadata: { name },
  })

const aws = () => new Aws({ region: REGION, endpoint: on.twin.awsEndpoint })

/**
 * Performs checks on the twin as target existing: its kubeconfig does not say that it is EKS, but its load balancer's
 * name is AWS's.
 */
async function certify(only: string[], more: object = {}, factor = 0.1): Promise<Map<string, CheckRecord>> {
  const config = stackSchema.parse({
    ...{ target: 'twin', twin: { cloud: 'aws' }, kubeconfig, context: 'twin' },
    ...{ aws: { region: REGION, endpoint: on.twin.awsEndpoint }, dns: { servers: [on.twin.dns] } },
    ...more,
  })
  const run = await prepareRun({ config, only, allowDisruption: false })
  const stack = new Stack(run, new AbortController().signal)
  // What a check waits for in vain is to end soon; the survey works, and has its whole deadline.
  await stack.survey()
  setDeadlineFactor(factor)
  const catalogue = (await loadCatalogue()).filter(({ id }) => run.checks.includes(id))
  const records = await performAll(new Performer(run, stack), catalogue, new AbortController().signal)
  await stack.k8s.config.close()
  return records
}

const NLB = [
  'mesh/nlb-scheme',
  'mesh/nlb-active',
  'mesh/nlb-listeners',
  'mesh/nlb-targets-healthy',
  'mesh/nlb-cross-zone',
]
const EKS = [
  ...['infra/oidc-provider', 'infra/node-role-policies', 'infra/subnet-tags', 'infra/lb-controller-identity'],
  ...['mesh/gateway-annotations', 'mesh/gateway-dns'],
]

describe('an EKS cluster', () => {
  test("is described, and its API takes the token made for it, but no token without the cluster's name", async () => {
    const { endpoint, issuer } = await describeCluster(aws(), 'plumbline')
    expect(endpoint).toBe(on.twin.address)
    expect(issuer).toMatch(/^https:\/\/oidc\.eks\./)
    const { token, endsAt } = await eksToken(aws(), 'plumbline')
    expect(endsAt.getTime() - Date.now()).toBeLessThan(15 * 60_000)
    expect((await on.call('GET', '/api/v1/nodes', undefined, { token })).code).toBe(200)
    const url = new URL(Buffer.from(token.replace('k8s-aws-v1.', ''), 'base64url').toString())
    url.searchParams.set('X-Amz-SignedHeaders', 'host')
    const other = `k8s-aws-v1.${Buffer.from(url.href).toString('base64url')}`
    expect((await on.call('GET', '/api/v1/nodes', undefined, { token: other })).code).toBe(401)
  })

  test('that is not there is told with those that are', async () => {
    await expect(describeCluster(aws(), 'other')).rejects.toThrow(
      'EKS cluster "other" not found in eu-west-1 (found: plumbline): set --name, or aws.region in stack.yaml.',
    )
  })
})

describe('the checks that ask AWS', () => {
  test('pass, and call no action that the read-only policy does not allow', async () => {
    const records = await certify([...NLB, ...EKS], {}, 1)
    for (const id of [...NLB, ...EKS]) expect(records.get(id)?.outcome, `${id}: ${records.get(id)?.seen}`).toBe('pass')
    const policy = JSON.parse(
      readFileSync(join(import.meta.dirname, '..', 'docs', 'eks', 'iam-read-only.json'), 'utf8'),
    ) as { Statement: { Action: string[] }[] }
    const allowed = policy.Statement.flatMap(({ Action }) => Action)
    expect(on.twin.awsCalled.size).toBeGreaterThan(10)
    expect([...on.twin.awsCalled].filter((action) => !allowed.includes(action))).toEqual([])
  })

  test('are skipped with the action to allow where IAM denies it, which leaves the verdict incomplete', async () => {
    await break_('iam-denies-listeners')
    const record = (await certify(['mesh/nlb-listeners'])).get('mesh/nlb-listeners')
    expect(record).toMatchObject({ outcome: 'skipped', excused: false })
    expect(record?.seen).toMatch(
      /^IAM denies elasticloadbalancing:DescribeListeners to arn:aws:iam::\d+:user\/twin: allow it \(docs\/eks\/iam-read-only\.json/,
    )
  })

  test('tell of throttling that does not end', async () => {
    await break_('aws-throttles')
    await expect(aws().caller()).rejects.toThrow(
      'AWS throttles sts:GetCallerIdentity (region eu-west-1): 6 attempts were refused. Try again later.',
    )
  }, 60_000)

  test.each([
    ['nlb-provisioning', 'mesh/nlb-active', /state is provisioning, after [\d.]+ s/],
    ['nlb-impaired', 'mesh/nlb-active', /\(Subnets have no free addresses\.\).*active_impaired/s],
    ['target-groups-empty', 'mesh/nlb-targets-healthy', /the target group has no targets/],
    ['nlb-listener-missing', 'mesh/nlb-listeners', /k8s-.*: no listener on port 443 \(it has TCP 15021, TCP 80\)/],
    ['dns-in-one-zone', 'mesh/gateway-dns', /one for each of 2 zones is expected \(zone-a, zone-b\)/],
    ['iam-without-provider', 'infra/oidc-provider', /IAM has no OpenID Connect provider for https:/],
    ['node-role-stripped', 'infra/node-role-policies', /plumbline-workers has no worker policy/],
    [
      'subnets-untagged',
      'infra/subnet-tags',
      /subnets tagged kubernetes.io\/role\/internal-elb are in 0 zones \(none;/,
    ],
  ])('with %s %s says so', async (defect, id, said) => {
    await break_(defect)
    const record = (await certify([id])).get(id)
    expect(record?.outcome, record?.seen).toBe('fail')
    expect(record?.seen).toMatch(said)
  })

  test('a scheme that differs is told with what stack.yaml asks for', async () => {
    const record = (await certify(['mesh/nlb-scheme'], { expect: { nlb: { scheme: 'internet-facing' } } })).get(
      'mesh/nlb-scheme',
    )
    expect(record?.seen).toMatch(
      /^Load balancer .*, scheme: found 'internal', expected 'internet-facing' \(expect\.nlb\.scheme of stack\.yaml\)/,
    )
  })
})

describe('what keeps AWS from being asked', () => {
  test('expired credentials', async () => {
    await break_('credentials-expired')
    await expect(aws().caller()).rejects.toThrow(
      'The AWS credentials have expired (region eu-west-1): log in again (aws sso login), then try again.',
    )
    const record = (await certify(['mesh/nlb-scheme'])).get('mesh/nlb-scheme')
    expect(record).toMatchObject({ outcome: 'skipped', excused: false })
  })

  test('no credentials', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('HOME', mkdtempSync(join(tmpdir(), 'nobody-')))
    await expect(aws().caller()).rejects.toThrow(
      /^No AWS credentials found \(region eu-west-1\): .*, set AWS_PROFILE, or set aws\.profile in stack\.yaml\.$/,
    )
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'twin')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'twin')
  })

  test('a region that is none', async () => {
    const nowhere = new Aws({ region: 'eu-nowhere-9' })
    await expect(nowhere.caller()).rejects.toThrow(
      /^AWS's API for sts:GetCallerIdentity cannot be reached \(region eu-nowhere-9\): E\w+\. Check the region\.$/,
    )
  })
})
