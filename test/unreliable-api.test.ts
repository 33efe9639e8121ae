import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { performAll } from '../src/check/perform-all.ts'
import { loadCatalogue } from '../src/check/catalogue.ts'
import { Performer } from '../src/check/perform.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { prepareRun } from '../src/run/prepare.ts'
import { Stack } from '../src/stack/stack.ts'
import { testTwin } from './start-twin.ts'
import { unreliableApi, type Fault } from './unreliable-api.ts'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-unreliable-'))
const kubeconfig = join(folder, 'twin.yaml')
// They read, watch, ask pods through the proxy and by port forwarding, make a Service and send it requests.
const CHECKS = ['infra/nodes-ready', 'mesh/version', 'mesh/proxies-synced', 'knative/hello-through-lb']

let on: Awaited<ReturnType<typeof testTwin>>
beforeAll(async () => {
  on = await testTwin()
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
})
afterAll(() => on.stop())

describe('an API server that fails every tenth call', () => {
  test.each<[string, Fault[]]>([
    ['with 503', ['503']],
    ['in every way', ['429', 'cut', 'garbage', '503']],
  ])(
    '%s has the stack certified all the same',
    async (_, faults) => {
      const api = await unreliableApi(kubeconfig, { every: 10, faults })
      try {
        const shaky = join(folder, 'shaky.yaml')
        writeFileSync(shaky, api.kubeconfig)
        const config = stackSchema.parse({ target: 'existing', kubeconfig: shaky, context: 'unreliable' })
        const run = await prepareRun({ config, only: CHECKS, allowDisruption: false })
        const stack = new Stack(run, new AbortController().signal)
        const checks = (await loadCatalogue()).filter(({ id }) => run.checks.includes(id))
        const records = await performAll(new Performer(run, stack), checks, new AbortController().signal)
        await stack.k8s.config.close()
        for (const [id, { outcome, seen }] of records) expect(outcome, `${id}: ${seen}`).toBe('pass')
        expect(api.calls.failed).toBeGreaterThan(3)
      } finally {
        api.close()
      }
    },
    120_000,
  )
})
