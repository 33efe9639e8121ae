import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { deadline } from '../core/deadlines.ts'
import { UsageProblem } from '../core/problem.ts'
import { USUAL_DOMAIN } from '../config/bring-schema.ts'
import type { StackConfig } from '../config/stack-schema.ts'

const REGION = 'eu-west-1'
const ROOT = join(import.meta.dirname, '..', '..')

/** Where a twin is to listen, where not the first free place, and how its stack is laid out. */
export interface TwinPlace {
  range?: string | undefined
  port?: string | undefined
  /** What differs from the usual layout (twin/stack/layout.ts). */
  layout?: object | undefined
}

/** A twin in a process of its own, and the stack file as it is with this twin. */
export interface RunningTwin {
  config: StackConfig
  server: string
  /** Where AWS's APIs are, for a twin that has them. */
  awsEndpoint: string | undefined
  /** Resolves, with why, when it ends without being asked to. */
  died: Promise<string>
  stop: () => Promise<void>
}

/**
 * Starts the twin and waits until everything in it is Ready.
 * @throws UsageProblem with the twin's own words where it cannot listen here
 */
export async function startTwin(config: StackConfig, place: TwinPlace = {}): Promise<RunningTwin> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-twin-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const { versions, domain = USUAL_DOMAIN, zones } = config.bring
  const args = [
    ...['--kubeconfig', kubeconfig, '--domain', domain, '--zones', zones.join(',')],
    ...['--versions', JSON.stringify(versions)],
    ...(place.range ? ['--range', place.range] : []),
    ...(place.port ? ['--port', place.port] : []),
    ...['--cloud', config.twin.cloud],
    ...(place.layout ? ['--layout', JSON.stringify(place.layout)] : []),
  ]
  const from = performance.now()
  // Its heap is small; the limit makes Node collect early.
  const child = fork(join(ROOT, 'twin', 'main.ts'), args, {
    execArgv: ['--max-old-space-size=220', '--max-semi-space-size=4'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const errors: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.splice(0, Math.max(0, errors.length - 50), String(chunk)))
  const asked = { stop: false }
  const ended = new Promise<string>((resolve) => {
    child.on('exit', (code, signal) => {
      rmSync(folder, { recursive: true, force: true })
      resolve(signal ? `killed by ${signal}` : `exit code ${code}`)
    })
  })
  const facts = await Promise.race([firstLine(child), ended.then((how) => ({ how }))])
  if ('how' in facts) throw new UsageProblem(errors.at(-1)?.trim() || `The twin did not start (${facts.how}).`)
  return {
    server: facts.server,
    awsEndpoint: facts.awsEndpoint,
    config: {
      ...config,
      kubeconfig,
      context: 'twin',
      observability: { prometheus: 'monitoring/prometheus:9090', loki: 'monitoring/loki:3100' },
      ...(facts.awsEndpoint ? { aws: { ...config.aws, region: REGION, endpoint: facts.awsEndpoint } } : {}),
      ...(facts.dns ? { dns: { servers: [facts.dns] } } : {}),
      acme: { issuer: 'acme', dnsName: domain },
      addresses: {
        ...config.addresses,
        ...(facts.ingress ? { ingress: facts.ingress } : {}),
        ports: { http: facts.ports['80'], https: facts.ports['443'] },
      },
    },
    died: ended.then((how) => {
      const seconds = Math.round((performance.now() - from) / 1000)
      const told = errors.at(-1)?.trim().split('\n')[0]
      const why = `the twin ended after ${seconds} s (${how}${told ? `: ${told}` : ''})`
      return asked.stop ? new Promise<string>(() => undefined) : why
    }),
    async stop() {
      asked.stop = true
      child.kill()
      await ended
    },
  }
}

interface Facts {
  server: string
  awsEndpoint?: string
  /** Its DNS server, which knows the names of its load balancers. */
  dns?: string
  ports: { 80: number; 443: number }
  /** Where its load balancer is, where nothing in the cluster tells. */
  ingress?: string
}

function firstLine(child: ChildProcess): Promise<Facts> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill()
      reject(new UsageProblem(`The twin was not ready within ${deadline('twinReady') / 1000} s.`))
    }, deadline('twinReady'))
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += String(chunk)
      if (!text.includes('\n')) return
      clearTimeout(timer)
      resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as Facts)
    })
    child.on('exit', () => clearTimeout(timer))
  })
}

/**
 * Puts the twin's own istioctl before any other, which speaks to a real istiod, and credentials of its own before
 * AWS's.
 */
export function useTwinPrograms(): void {
  process.env.TWIN_NODE = process.execPath
  // A stand-in is sent nobody's real credentials.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'twin', AWS_SECRET_ACCESS_KEY: 'twin' })
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL']) delete process.env[name]
  process.env.PATH = `${join(ROOT, 'twin', 'bin')}${delimiter}${process.env.PATH ?? ''}`
}
