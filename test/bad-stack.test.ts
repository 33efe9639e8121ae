import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../src/core/deadlines.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { expiry } from '../src/tls/expiring-certificates.ts'
import { readManifest } from '../src/kube/manifest.ts'
import { Stack } from '../src/stack/stack.ts'
import { makeRun } from './make-run.ts'
import { testTwin } from './start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let stack: Stack
beforeAll(async () => {
  on = await testTwin('aws')
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
  const config = stackSchema.parse({ target: 'twin', kubeconfig, context: 'twin', twin: { cloud: 'aws' } })
  const aws = { region: 'eu-west-1', endpoint: on.twin.awsEndpoint, caller: 'twin', cluster: 'plumbline' }
  stack = new Stack(makeRun([], { config, context: 'twin', aws }), new AbortController().signal)
  setDeadlineFactor(0.06)
})
afterAll(async () => {
  setDeadlineFactor(1)
  await stack.k8s.config.close()
  await on.stop()
})

describe('a stack that is not as it must be is told by what is wrong with it', () => {
  test('an issuer that never gets Ready', async () => {
    await stack.k8s.apply({
      apiVersion: 'cert-manager.io/v1',
      kind: 'ClusterIssuer',
      metadata: { name: 'never' },
      spec: { ca: { secretName: 'not-there' } },
    })
    const [missing] = await Promise.allSettled([
      stack.until(
        { kind: 'cert-manager.io/v1/ClusterIssuer', name: 'never' },
        ([issuer]) =>
          issuer?.status?.conditions?.[0]?.status === 'True'
            ? undefined
            : String(issuer?.status?.conditions?.[0]?.message),
        'issued',
      ),
    ])
    expect(String((missing as PromiseRejectedResult).reason)).toMatch(
      /ClusterIssuer never: Error getting keypair for CA issuer: secrets "not-there" not found/,
    )
  })

  test('a secret with the wrong keys, and one that no Certificate owns', async () => {
    const name = 'wrong-keys'
    await on.call('POST', '/api/v1/namespaces/istio-system/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      stringData: { 'ca-cert.pem': 'a', 'ca-key.pem': 'b' },
    })
    await expect(stack.certManager.chainIn(name, 'istio-system')).rejects.toThrow(
      'Secret istio-system/wrong-keys: key tls.crt has no certificate (keys: ca-cert.pem, ca-key.pem).',
    )
    await expect(stack.certManager.deleteSecret(name, 'istio-system')).rejects.toThrow(
      /no Certificate owns it, so cert-manager would not create it again/,
    )
    expect((await on.call('GET', `/api/v1/namespaces/istio-system/secrets/${name}`)).code).toBe(200)
  })

  test('a split of traffic that names no revision', async () => {
    const [route] = readManifest('knative/service.yaml', {
      namespace: 'default',
      name: 'split',
      nodeImage: 'docker.io/library/node:24-alpine',
    })
    await stack.k8s.apply({
      ...route!,
      metadata: { name: 'split', namespace: 'plumbline' },
      spec: { ...route!.spec, traffic: [{ revisionName: 'split-00009', percent: 100 }] },
    })
    await expect(stack.knative.ready('plumbline', 'split')).rejects.toThrow(
      /Service plumbline\/split: Ready is (False|Unknown) \(RevisionMissing: Revision "split-00009" referenced in traffic not found/,
    )
  })

  test('a Certificate that expired', async () => {
    const { findings } = await expiry(stack, Date.now() + 400 * 86_400_000)
    expect(findings.find(({ text }) => text.startsWith('Certificate '))?.text).toMatch(
      /^Certificate istio-system\/wildcard expired at 20\d\d-.*Z: Certificate is up to date/,
    )
    expect((await expiry(stack)).findings).toEqual([])
  })

  test('an NLB whose 443 nobody listens for, or that AWS does not know', async () => {
    process.env.AWS_ENDPOINT_URL = on.twin.awsEndpoint
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'twin', AWS_SECRET_ACCESS_KEY: 'twin' })
    await expect(stack.cloud.untilHealthy(443)).rejects.toThrow(
      /healthy targets behind port 443 of load balancer k8s-.* is unhealthy: Health checks failed/,
    )
    const { protocol, targets } = await stack.cloud.untilHealthy(80)
    expect([protocol, targets.length]).toEqual(['TCP', 3])
    await expect(stack.cloud.untilHealthy(8443)).rejects.toThrow(/no listener on port 8443 \(it has /)
    delete process.env.AWS_ENDPOINT_URL
  })
})
