import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')

// npm run bench:twin -- --runs 100 --lanes 4: many certifies of fresh twins, and whether their verdicts are all the
// same.
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, lanes: { type: 'string', default: '4' } },
})

const verdicts = new Map<string, number>()
const seconds: number[] = []
let left = Number(values.runs)

async function lane(): Promise<void> {
  while (left-- > 0) {
    const from = performance.now()
    const done = await execa(process.execPath, [MAIN, 'certify', '--target', 'twin'], { reject: false, all: true })
    seconds.push((performance.now() - from) / 1000)
    const verdict = /^(certified|not certified|incomplete)[^:]*: .* checks/m.exec(done.all)?.[0] ?? 'no verdict'
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    const report = /^report: (\S+)\//m.exec(done.all)?.[1]
    if (done.failed)
      console.log(
        done.all
          .split('\n')
          .filter((line) => /^(fail|error|blocked)/.test(line))
          .join('\n'),
      )
    else if (report) rmSync(report, { recursive: true, force: true })
  }
}

await Promise.all(Array.from({ length: Number(values.lanes) }, lane))
for (const [verdict, count] of verdicts) console.log(`${String(count).padStart(4)} times  ${verdict}`)
const sorted = seconds.toSorted((a, b) => a - b)
const median = sorted[Math.floor(sorted.length / 2)]?.toFixed(1)
console.log(`${values.lanes} side by side: median ${median} s, longest ${sorted.at(-1)?.toFixed(1)} s each`)
process.exitCode = verdicts.size === 1 ? 0 : 1
