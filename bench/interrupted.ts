// Kills the harness with -9 in the middle of every fault, recovers, and looks at what is left.
//   npm run interrupted                                  on a twin of its own
//   npm run interrupted -- kind --mirror FOLDER          on the kind cluster that is up
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { loadCatalogue } from '../src/check/catalogue.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { Journal, type JournalEntry } from '../src/cluster/journal.ts'
import { loadKubeConfig } from '../src/kube/connection.ts'
import { Kubernetes } from '../src/kube/kubernetes.ts'
import { isRolledOut } from '../src/kube/rolled-out.ts'
import { startTwin, useTwinPrograms } from '../src/targets/twin.ts'

const ROOT = join(import.meta.dirname, '..')
const MAIN = join(ROOT, 'src', 'cli', 'main.ts')
const [target = 'twin', ...flags] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'plumbline-interrupted-'))
const reports = join(folder, 'reports')

const twin = target === 'twin' ? await startTwin(stackSchema.parse({ target: 'twin' })) : undefined
if (twin) useTwinPrograms()
const stackFile = join(folder, 'stack.yaml')
if (twin) writeFileSync(stackFile, stringify({ ...twin.config, target: 'existing' }))
const where = twin ? ['--stack', stackFile, '--allow-disruption', '--context', 'twin'] : ['--target', 'kind', ...flags]
const api = new Kubernetes(loadKubeConfig(twin?.config.kubeconfig, twin ? 'twin' : 'kind-plumbline'))
const env = { ...process.env, PLUMBLINE_REPORTS: reports }

/** An entry that is open only in the middle of a fault: a node cordoned, pods killed or taken away. */
const isFault = ({ what, object }: JournalEntry): boolean =>
  what === 'disturbed' || (what === 'changed' && /Node$|Pod$/.test(object.kind))

const checks = (await loadCatalogue()).filter(
  ({ effect, requires }) => effect === 'disrupts' && !requires?.includes('nlb'),
)
let wrong = 0
for (const { id } of checks) {
  const before = new Set(runs())
  const child = execa(process.execPath, [MAIN, 'certify', ...where, '--only', id], { env, reject: false, all: true })
  const found = await faultOf(before, child)
  if (!found) {
    const { all } = await child
    console.log(`${id.padEnd(26)} no fault was seen: ${all.split('\n').findLast((line) => line.includes(id)) ?? ''}`)
    wrong++
    continue
  }
  child.kill('SIGKILL')
  await child
  const from = performance.now()
  const recovered = await execa(process.execPath, [MAIN, 'recover', found.run], { env, reject: false, all: true })
  const left = await leftBehind(found.run)
  if (recovered.failed || left.length) wrong++
  const { what, object } = found.entry
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  console.log(
    [
      `${id.padEnd(26)} killed at: ${what} ${object.kind.split('/').at(-1)} ${object.name}`,
      `${recovered.all.trim().split('\n').at(-1)} in ${seconds} s`,
      `left: ${left.join(', ') || 'nothing'}`,
    ].join('; '),
  )
}
await api.config.close()
await twin?.stop()
console.log(`${checks.length - wrong} of ${checks.length} faults recovered`)
process.exit(wrong ? 1 : 0)

function runs(): string[] {
  try {
    return readdirSync(reports)
  } catch {
    return []
  }
}

/** Waits until the run's journal has a fault open, or the run is over. */
async function faultOf(
  before: ReadonlySet<string>,
  child: PromiseLike<unknown>,
): Promise<{ run: string; entry: JournalEntry } | undefined> {
  let over = false
  void Promise.resolve(child).then(() => (over = true))
  while (!over) {
    const run = runs().find((each) => !before.has(each))
    const entry = run && readJournal(run).find(isFault)
    if (run && entry) return { run, entry }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return undefined
}

function readJournal(run: string): JournalEntry[] {
  return new Journal(join(reports, run, 'journal.jsonl')).pending()
}

async function leftBehind(run: string): Promise<string[]> {
  const [nodes, deployments, namespaces] = await Promise.all([
    api.list('v1/Node'),
    api.list('apps/v1/Deployment'),
    api.list('v1/Namespace'),
  ])
  const incomplete = deployments.items.length ? isRolledOut(deployments.items) : 'no Deployment is there'
  return [
    ...readJournal(run).map(({ what, object }) => `open: ${what} ${object.name}`),
    ...nodes.items.flatMap(({ metadata, spec }) => (spec?.unschedulable ? [`${metadata?.name} is cordoned`] : [])),
    ...(incomplete ? [incomplete] : []),
    ...namespaces.items.flatMap(({ metadata }) => (metadata?.name?.startsWith('plumb-') ? [metadata.name] : [])),
  ]
}
