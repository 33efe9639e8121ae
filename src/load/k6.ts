import type { K6 } from '../config/run-info.ts'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { deadline } from '../core/deadlines.ts'
import { isThere } from '../core/programs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** The version that is built or pulled where none is on the PATH; the scripts need no newer one. */
export const K6_VERSION = '1.8.1'
export const K6_IMAGE = `docker.io/grafana/k6:${K6_VERSION}`

/**
 * Finds k6: on the PATH, else as an image that Docker has or can pull, else built once with Go into `.k6/`. Says which one it is.
 * Gives the reason where there is none.
 */
export function findK6(tell: (what: string) => void, signal: AbortSignal): Promise<K6 | { lacking: string }> {
  found ??= look(tell, signal)
  return found
}

// Several stacks may be made ready at once: it is looked for, and built, once.
let found: Promise<K6 | { lacking: string }> | undefined

async function look(tell: (what: string) => void, signal: AbortSignal): Promise<K6 | { lacking: string }> {
  if (await isThere('k6')) return { how: 'path', what: 'k6' }
  const built = join(ROOT, '.k6', K6_VERSION, 'k6')
  if (existsSync(built)) return { how: 'built', what: built }
  if (await hasImage(tell, signal)) return { how: 'image', what: K6_IMAGE }
  if (!(await isThere('go'))) {
    return {
      lacking: `k6 is not on the PATH, Docker cannot give the image ${K6_IMAGE}, and there is no Go to build it with: see https://grafana.com/docs/k6/latest/set-up/install-k6/`,
    }
  }
  return buildK6(built, tell, signal)
}

/** One sentence: which k6 it is. */
export const tellK6 = ({ how, what }: K6): string =>
  ({
    path: 'k6: the one on the PATH',
    image: `k6: the image ${what}`,
    built: `k6: built with Go, version ${K6_VERSION}`,
  })[how]

async function hasImage(tell: (what: string) => void, signal: AbortSignal): Promise<boolean> {
  const docker = (args: string[], timeout: number) =>
    execa('docker', args, { reject: false, timeout, cancelSignal: signal })
  if (!(await isThere('docker'))) return false
  if (!(await docker(['image', 'inspect', K6_IMAGE], deadline('apiCall'))).failed) return true
  tell(`k6: pulling ${K6_IMAGE}`)
  return !(await docker(['pull', '--quiet', K6_IMAGE], deadline('download'))).failed
}

async function buildK6(
  program: string,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<K6 | { lacking: string }> {
  tell(`k6: building version ${K6_VERSION} with Go, once`)
  // Built beside and moved: a build that was cut off must not be taken for one.
  const beside = `${program}.${process.pid}.d`
  await mkdir(beside, { recursive: true })
  try {
    const done = await execa('go', ['install', '-trimpath', '-ldflags=-s -w', `go.k6.io/k6@v${K6_VERSION}`], {
      env: { GOBIN: beside, GOFLAGS: '' },
      timeout: deadline('k6Built'),
      cancelSignal: signal,
      reject: false,
      all: true,
    })
    signal.throwIfAborted()
    if (done.failed) {
      const told = done.all.trim().split('\n').at(-1) || done.shortMessage
      return { lacking: `k6 is not on the PATH, and Go could not build it: ${told}` }
    }
    await rename(join(beside, 'k6'), program)
    return { how: 'built', what: program }
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}
