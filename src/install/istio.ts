import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { coerce } from 'semver'
import { deadline } from '../core/deadlines.ts'
import { StackFailure, UsageProblem } from '../core/problem.ts'
import { fingerprint } from './apply-all.ts'
import { parseManifest } from '../kube/manifest.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { deploymentMark, type Component } from './component.ts'

const INSTALL_FILE = join(import.meta.dirname, '..', '..', 'fixtures', 'istio', 'install.yaml')
/** The Service of the gateway that the install file makes. */
export const GATEWAY = { namespace: 'istio-system', name: 'istio-ingressgateway' } as const
const MARK = { kind: 'v1/ConfigMap', name: 'plumbline-installed', namespace: 'istio-system' }

/** What `istioctl install` makes of the tag `default` beside what `manifest generate` shows. */
const OF_THE_TAG: KubernetesObject[] = [
  ['MutatingWebhookConfiguration', 'istio-revision-tag-default'] as const,
  ['ValidatingWebhookConfiguration', 'istiod-default-validator'] as const,
].map(([kind, name]) => ({ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name } }))

/**
 * Istio by istioctl, from the install file of fixtures/; a mirror's istio.yaml is an IstioOperator that is laid over
 * it.
 */
export const istio: Component = {
  name: 'istio',
  // With its webhook the controller gives the gateway's Service its class when it is made, and not after.
  after: ['lb-controller'],
  mark: deploymentMark('istio-system', 'istiod'),
  async objects({ config }) {
    await rightVersion(config.bring.versions.istio)
    const args = ['manifest', 'generate', ...filesOf(config).flatMap((file) => ['-f', file])]
    const { stdout } = await execa('istioctl', args)
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } }
    return [namespace, ...parseManifest(stdout, 'istioctl manifest generate'), ...OF_THE_TAG]
  },
  async install({ api, config, context, signal }) {
    const version = await rightVersion(config.bring.versions.istio)
    const files = filesOf(config)
    // istioctl install writes its webhooks anew each time, even where all is as asked for.
    const hash = fingerprint([version, ...files.map((file) => readFileSync(file, 'utf8'))])
    if ((await api.find(MARK.kind, MARK.name, MARK.namespace))?.data?.hash === hash) return
    const seconds = Math.round(deadline('componentAvailable') / 1000)
    const done = await execa(
      'istioctl',
      [
        'install',
        '--skip-confirmation',
        '--readiness-timeout',
        `${seconds}s`,
        '--context',
        context,
        ...(config.kubeconfig ? ['--kubeconfig', config.kubeconfig] : []),
        ...files.flatMap((file) => ['-f', file]),
      ],
      { reject: false, all: true, cancelSignal: signal },
    )
    if (done.failed) {
      const why = done.all
        .split('\n')
        .filter((line) => /error|fail|timed out/i.test(line))
        .at(-1)
      throw new StackFailure(
        `istioctl install failed: ${why ?? done.all.trim().split('\n').at(-1) ?? 'istioctl printed no reason'}`,
      )
    }
    await api.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: MARK.name, namespace: MARK.namespace },
      data: { hash },
    })
  },
}

/** The install file, and what a mirror lays over it. */
function filesOf({ bring: { mirror } }: StackConfig): string[] {
  const overlay = mirror ? join(mirror, 'istio.yaml') : undefined
  return [INSTALL_FILE, ...(overlay && existsSync(overlay) ? [overlay] : [])]
}

/** istioctl installs its own version, so it must be the one that the stack names. Gives it. */
async function rightVersion(wanted: string | undefined): Promise<string> {
  const { stdout } = await execa('istioctl', ['version', '--remote=false', '--output', 'json'])
  const found = (JSON.parse(stdout) as { clientVersion: { version: string } }).clientVersion.version
  if (wanted && coerce(found)?.version !== coerce(wanted)?.version) {
    throw new UsageProblem(
      `istioctl on the PATH is version ${found}, and stack.yaml asks for bring.versions.istio ${wanted}. ` +
        `Install istioctl ${wanted}, or set bring.versions.istio to ${found}.`,
    )
  }
  return found
}
