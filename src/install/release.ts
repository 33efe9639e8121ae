import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetch } from 'undici'
import { deadline } from '../core/deadlines.ts'
import { UsageProblem } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Versioned } from '../config/bring-schema.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { networkReason } from '../core/network-reason.ts'
import { parseManifest } from '../kube/manifest.ts'

/** A component whose release is one manifest, and where its project publishes it. */
export interface Release {
  component: 'metallb' | 'cert-manager' | 'knative-serving' | 'net-istio'
  version: Versioned
  url: (version: string) => string
}

export const releases = {
  metallb: {
    component: 'metallb',
    version: 'metallb',
    url: (version) =>
      `https://raw.githubusercontent.com/metallb/metallb/v${version}/config/manifests/metallb-native.yaml`,
  },
  certManager: {
    component: 'cert-manager',
    version: 'cert-manager',
    url: (version) => `https://github.com/cert-manager/cert-manager/releases/download/v${version}/cert-manager.yaml`,
  },
  // Since 1.0 Knative's tags are knative-vX.Y.Z; serving-core.yaml holds the CRDs too.
  knativeServing: {
    component: 'knative-serving',
    version: 'knative',
    url: (version) => `https://github.com/knative/serving/releases/download/knative-v${version}/serving-core.yaml`,
  },
  netIstio: {
    component: 'net-istio',
    version: 'net-istio',
    url: (version) =>
      `https://github.com/knative-extensions/net-istio/releases/download/knative-v${version}/net-istio.yaml`,
  },
} satisfies Record<string, Release>

const read = new Map<string, Promise<KubernetesObject[]>>()

/**
 * The objects of a component's release manifest: from the mirror folder where stack.yaml names one, else from the
 * release page. Each is read once.
 * @throws UsageProblem where the file is missing, no version is given, or the page does not answer
 */
export function readRelease(release: Release, config: StackConfig): Promise<KubernetesObject[]> {
  const { mirror, versions } = config.bring
  const key = `${release.component} ${mirror ?? versions[release.version] ?? ''}`
  const objects = read.get(key) ?? (mirror ? readMirror(release, mirror) : fetchRelease(release, config))
  read.set(key, objects)
  return objects
}

async function readMirror({ component }: Release, mirror: string): Promise<KubernetesObject[]> {
  const file = join(mirror, `${component}.yaml`)
  if (!existsSync(file)) {
    throw new UsageProblem(
      `The mirror folder has no ${file}. Put the release manifest of ${component} there under that name.`,
    )
  }
  return parseManifest(await readFile(file, 'utf8'), file)
}

async function fetchRelease(release: Release, config: StackConfig): Promise<KubernetesObject[]> {
  const version = config.bring.versions[release.version]?.replace(/^v/, '')
  if (!version) {
    throw new UsageProblem(
      `stack.yaml has no bring.versions.${release.version}: set the version of ${release.component} to install.`,
    )
  }
  const url = release.url(version)
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(deadline('download')) })
    if (answer.ok) return parseManifest(await answer.text(), url)
    throw new UsageProblem(
      `${url} answered ${answer.status}. ` +
        `Check bring.versions.${release.version}, or pass a folder of manifests with --mirror.`,
    )
  } catch (problem) {
    if (problem instanceof UsageProblem) throw problem
    throw new UsageProblem(
      `${url} could not be fetched (${networkReason(problem) ?? String(problem)}). ` +
        'On a machine without the internet, pass a folder of manifests with --mirror.',
      { cause: problem },
    )
  }
}
