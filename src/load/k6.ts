import type { K6 } from '../config/run-info.ts'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { deadline } from '../core/deadlines.ts'
import { isThere } from '../core/programs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** The version that is built or pulled where none is on the PATH. */
export const K6_VERSION = '1.8.1'
/** The oldest version that runs the scripts of load/. */
export const K6_OLDEST = '1.8'
export const K6_IMAGE = `docker.io/grafana/k6:${K6_VERSION}`

/**
 * Finds k6: on the PATH, else as an image that Docker has or can pull, else built once with Go into `.k6/`.
 * Gives the reason where it finds none. `tell` hears what takes its time.
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
      lacking:
        `k6 not found: install k6 ${K6_OLDEST} or newer, or set load.from: job in stack.yaml ` +
        `(k6 is not on the PATH, Docker has no image ${K6_IMAGE} and cannot pull it, and Go is not installed)`,
    }
  }
  return buildK6(built, tell, signal)
}

/** Which k6 a run takes, in one line. */
export const tellK6 = ({ how, what }: K6): string =>
  ({
    path: 'k6: from the PATH',
    image: `k6: image ${what}`,
    built: `k6: version ${K6_VERSION}, built with Go`,
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
  tell(`k6: building version ${K6_VERSION} with Go (only once)`)
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
      const reason = done.all.trim().split('\n').at(-1) || done.shortMessage
      return {
        lacking:
          `k6 not found: install k6 ${K6_OLDEST} or newer, or set load.from: job in stack.yaml ` +
          `(k6 is not on the PATH, and building it with Go failed: ${reason})`,
      }
    }
    await rename(join(beside, 'k6'), program)
    return { how: 'built', what: program }
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}
