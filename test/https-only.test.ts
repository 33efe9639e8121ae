import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { stackSchema } from '../src/config/stack-schema.ts'
import { inScope, Scope } from '../src/core/scope.ts'
import { Stack } from '../src/stack/stack.ts'
import { makeRun } from './make-run.ts'
import { testTwin } from './start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let stack: Stack
beforeAll(async () => {
  on = await testTwin()
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
  const [http, https] = [80, 443].map((port) => on.twin.network.realPort(port))
  const addresses = { ports: { http, https } }
  const config = stackSchema.parse({ target: 'twin', kubeconfig, context: 'twin', addresses })
  stack = new Stack(makeRun([], { config, context: 'twin' }), new AbortController().signal)
})
afterAll(async () => {
  await stack.k8s.config.close()
  await on.stop()
})

test('where Knative redirects plain HTTP, its Services are asked by https', async () => {
  await inScope(new Scope('knative/a', new AbortController().signal, 'writes'), async () => {
    const { issuer } = await stack.certManager.authority()
    const settings = [
      ['config-certmanager', { issuerRef: `kind: ClusterIssuer\nname: ${issuer}\n` }],
      ['config-network', { 'external-domain-tls': 'Enabled', 'http-protocol': 'Redirected' }],
    ] as const
    for (const [name, data] of settings)
      await on.call(
        'PATCH',
        `/api/v1/namespaces/knative-serving/configmaps/${name}`,
        { data },
        { type: 'application/merge-patch+json' },
      )
    await on.call('DELETE', '/api/v1/namespaces/knative-serving/pods?labelSelector=app=controller')
  })
  // What was found before the change is not asked for again.
  const looking = new Stack(stack.run, new AbortController().signal)
  onTestFinished(() => looking.k8s.config.close())
  await inScope(new Scope('knative/b', new AbortController().signal, 'writes'), async () => {
    const { at, url, host } = await looking.knative.hello()
    expect(url).toBe(`https://${host}`)
    expect(at).toEqual({ host, scheme: 'https' })
    const answer = await looking.ingress.until({ host }, ({ status }) => status === 200)
    expect(answer.serial).toBeDefined()
    const plain = await looking.ingress.send({ host, scheme: 'http' })
    expect(plain.status).toBe(301)
    expect((await looking.ingress.at(host)).port).toBe(on.twin.network.realPort(443))
  })
})
