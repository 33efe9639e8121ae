// npm run bench [-- FLAGS OF certify]: what a certify costs on a cluster that is up, against the figures that Plumbline
// is held to. Times are of this machine and of what else it does; the shares and counts are not. Linux only: it reads
// /proc.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { readRunInfo, runFolder } from '../src/config/run-info.ts'
import type { Report } from '../src/report/report-schema.ts'

const ROOT = join(import.meta.dirname, '..')
const TICKS = 100

interface Cost {
  report: Report
  peakMegabytes: number
  /** The process's share of one core, a value each second. */
  shares: number[]
}

async function certify(flags: string[]): Promise<Cost> {
  const child = execa(join(ROOT, 'plumbline'), ['certify', ...flags], { reject: false, all: true })
  const shares: number[] = []
  let peakMegabytes = 0
  let before = { ticks: 0, at: performance.now() }
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peakMegabytes = Math.max(peakMegabytes, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      const now = { ticks: Number(fields[11]) + Number(fields[12]), at: performance.now() }
      shares.push(((now.ticks - before.ticks) / TICKS / ((now.at - before.at) / 1000)) * 100)
      before = now
    } catch {
      // It has ended between two looks.
    }
  }, 1000)
  const done = await child
  clearInterval(timer)
  if (done.exitCode === 3) throw new Error(done.all)
  const file = join(runFolder(readRunInfo('latest').id), 'report.json')
  return { report: JSON.parse(readFileSync(file, 'utf8')) as Report, peakMegabytes, shares }
}

/** From the first of these checks' starts to the last one's end, in seconds. */
function span(checks: Report['checks']): number {
  const ran = checks.filter(({ ms, startedAt }) => ms > 0 && startedAt)
  const starts = ran.map(({ startedAt }) => new Date(startedAt).getTime())
  return (Math.max(...ran.map(({ ms }, at) => starts[at]! + ms)) - Math.min(...starts)) / 1000
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

function line(what: string, value: number, unit: string, most: number): void {
  const verdict = value <= most ? 'holds' : 'DOES NOT HOLD'
  console.log(`${what.padEnd(46)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(6)} at most ${most}  ${verdict}`)
}

const flags = process.argv.slice(2)
const reads = await certify([...flags, '--only', 'reads'])
const readers = reads.report.checks.filter(({ effect }) => effect === 'reads')
const bySuite = [...Map.groupBy(readers, ({ suite }) => suite).values()]
console.log(`${readers.length} checks that read: ${reads.report.verdict}`)
line(
  'all of them, by suite, together',
  bySuite.reduce((sum, checks) => sum + span(checks), 0),
  's',
  3,
)
line(
  'their LIST calls',
  readers.reduce((sum, { lists }) => sum + lists, 0),
  'calls',
  25,
)

const whole = await certify(flags)
console.log(`${whole.report.checks.length} checks: ${whole.report.verdict}`)
line('the whole certify', whole.report.seconds, 's', 90)
line('resident memory at most', whole.peakMegabytes, 'MB', 300)
line('share of a core, median of the seconds', median(whole.shares), '%', 10)
