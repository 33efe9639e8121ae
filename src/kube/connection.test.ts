import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { loadKubeConfig } from './connection.ts'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-kubeconfig-'))
const write = (name: string, content: unknown): string => {
  const file = join(folder, name)
  writeFileSync(file, typeof content === 'string' ? content : stringify(content))
  return file
}
const kubeconfig = (name: string, current: string | undefined, server = 'https://10.0.0.1', skip = false) =>
  write(name, {
    clusters: [{ name: 'c', cluster: { server, ...(skip ? { 'insecure-skip-tls-verify': true } : {}) } }],
    users: [{ name: 'u', user: { token: 'hush' } }],
    contexts: [
      { name: 'here', context: { cluster: 'c', user: 'u' } },
      { name: 'lost', context: { cluster: 'nowhere', user: 'u' } },
    ],
    ...(current === undefined ? {} : { 'current-context': current }),
  })

afterEach(() => void vi.unstubAllEnvs())

describe('a kubeconfig', () => {
  test('is turned to the context that is asked for', () => {
    expect(loadKubeConfig(kubeconfig('good', undefined), 'here').getCurrentCluster()?.server).toBe('https://10.0.0.1')
  })

  test('of several files in KUBECONFIG is all of those that exist', () => {
    const other = write('other', { clusters: [], users: [], contexts: [], 'current-context': 'here' })
    vi.stubEnv('KUBECONFIG', `${other}:${join(folder, 'nowhere')}:${kubeconfig('one', undefined)}`)
    expect(loadKubeConfig(undefined, 'here').getCurrentContext()).toBe('here')
  })

  test.each([
    ['that is not there', join(folder, 'none'), undefined, /^There is no kubeconfig at .*none: give another with/],
    [
      'without a current context',
      kubeconfig('a', undefined),
      undefined,
      /a has no current context\. Choose one .* here/,
    ],
    [
      'whose current context is gone',
      kubeconfig('b', 'old'),
      undefined,
      /^The current context "old" of .* does not exist/,
    ],
    [
      'without the context asked for',
      kubeconfig('d', 'here'),
      'there',
      /d has no context "there"; it has here, lost\.$/,
    ],
    [
      'whose context names no cluster',
      kubeconfig('e', 'lost'),
      undefined,
      /^Context lost .* the cluster "nowhere", which/,
    ],
    [
      'with an http:// server',
      kubeconfig('f', 'here', 'http://10.0.0.1'),
      undefined,
      /server http:\/\/10\.0\.0\.1: it is not HTTPS/,
    ],
    [
      'with a server that is no URL',
      kubeconfig('g', 'here', '10.0.0.1'),
      undefined,
      /server 10\.0\.0\.1, which is not an https/,
    ],
    ['that is broken YAML', write('h', 'clusters: ['), undefined, /^The kubeconfig .*h cannot be read: /],
    ['that is empty', write('i', ''), undefined, /i (cannot be read|has no current context)/],
  ])('%s is refused in one sentence', (_, file, context, message) => {
    expect(() => loadKubeConfig(file, context)).toThrow(message)
  })

  test('for kubectl proxy on this machine may be http', () => {
    const file = kubeconfig('proxy', 'here', 'http://127.0.0.1:8001', true)
    expect(loadKubeConfig(file, undefined).getCurrentCluster()?.server).toBe('http://127.0.0.1:8001')
  })

  test('is missed where neither KUBECONFIG nor ~/.kube/config exists', () => {
    vi.stubEnv('KUBECONFIG', undefined)
    vi.stubEnv('HOME', folder)
    expect(() => loadKubeConfig(undefined, undefined)).toThrow(
      'There is no kubeconfig: neither KUBECONFIG nor ~/.kube/config exists. Give one with --kubeconfig FILE.',
    )
    vi.stubEnv('KUBECONFIG', '/nowhere')
    expect(() => loadKubeConfig(undefined, undefined)).toThrow('KUBECONFIG names /nowhere, which does not exist.')
  })
})
