import { execa } from 'execa'
import { UsageProblem } from './problem.ts'

/** The programs that Plumbline starts and does not bring, and where each is to be had. */
const PROGRAMS = {
  docker: { probe: ['--version'], from: 'https://docs.docker.com/engine/install' },
  kind: { probe: ['version'], from: 'https://kind.sigs.k8s.io/docs/user/quick-start/#installation' },
  istioctl: {
    probe: ['version', '--remote=false'],
    from: 'https://istio.io/latest/docs/setup/getting-started/#download',
  },
  k6: { probe: ['version'], from: 'https://grafana.com/docs/k6/latest/set-up/install-k6/' },
  helm: { probe: ['version', '--short'], from: 'https://helm.sh/docs/intro/install' },
  go: { probe: ['version'], from: 'https://go.dev/doc/install' },
} as const

export type Program = keyof typeof PROGRAMS

/** Whether a program is on the PATH and starts. */
export async function isThere(program: Program): Promise<boolean> {
  const done = await execa(program, PROGRAMS[program].probe, { reject: false })
  return !done.failed
}

/**
 * Makes sure that programs are on the PATH.
 * @throws UsageProblem naming each that is not, and where to get it
 */
export async function needPrograms(...programs: Program[]): Promise<void> {
  const there = await Promise.all(programs.map(isThere))
  const missing = programs.filter((_, at) => !there[at])
  if (missing.length === 0) return
  throw new UsageProblem(
    missing.map((program) => `${program} is not on the PATH: get it from ${PROGRAMS[program].from}.`).join('\n'),
  )
}

/**
 * Makes sure that Docker's engine answers.
 * @throws UsageProblem where it does not
 */
export async function needDocker(): Promise<void> {
  await needPrograms('docker')
  const done = await execa('docker', ['info', '--format', '{{.ServerVersion}}'], { reject: false })
  if (!done.failed) return
  const why = done.stderr.split('\n').find((line) => line.trim()) ?? 'docker info failed'
  throw new UsageProblem(`Docker does not answer (${why.trim()}): start its engine, then try again.`)
}
