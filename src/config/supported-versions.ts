import { coerce, compare, minVersion, satisfies } from 'semver'
import manifest from '../../package.json' with { type: 'json' }
import { UnknownVersion } from '../core/problem.ts'

/** A component whose supported versions are known, by the name that `versions` of stack.yaml has for it. */
export type Component = 'knative' | 'istio' | 'cert-manager' | 'net-istio'

const TITLES: Readonly<Record<Component, string>> = {
  knative: 'Knative',
  istio: 'Istio',
  'cert-manager': 'cert-manager',
  'net-istio': 'net-istio',
}

/** Which Kubernetes a component's minor version supports, as a semver range, and where that is written. */
export interface Support {
  component: Exclude<Component, 'net-istio'>
  minor: string
  kubernetes: string
  source: string
}

// Knative enforces its minimum when it starts: on an older server its controller exits.
const KNATIVE_SOURCE = 'knative/serving, vendor/knative.dev/pkg/version/version.go at the tag knative-vMINOR.0'
const knativeMinimum: [minor: string, kubernetes: string][] = [
  ['1.8', '1.23'],
  ['1.9', '1.24'],
  ['1.10', '1.24'],
  ['1.11', '1.25'],
  ['1.12', '1.26'],
  ['1.13', '1.27'],
  ['1.14', '1.28'],
  ['1.15', '1.28'],
  ['1.16', '1.28'],
  ['1.17', '1.30'],
  ['1.18', '1.31'],
  ['1.19', '1.32'],
  ['1.20', '1.32'],
  ['1.21', '1.33'],
  ['1.22', '1.34'],
  ['1.23', '1.34'],
]

const ISTIO_SOURCE = 'istio.io/latest/docs/releases/supported-releases'
const istioRange: [minor: string, from: string, to: string][] = [
  ['1.16', '1.22', '1.25'],
  ['1.17', '1.23', '1.26'],
  ['1.18', '1.24', '1.27'],
  ['1.19', '1.25', '1.28'],
  ['1.20', '1.25', '1.29'],
  ['1.21', '1.26', '1.29'],
  ['1.22', '1.27', '1.30'],
  ['1.23', '1.27', '1.30'],
  ['1.24', '1.28', '1.31'],
  ['1.25', '1.29', '1.32'],
  ['1.26', '1.29', '1.33'],
  ['1.27', '1.29', '1.33'],
  ['1.28', '1.30', '1.34'],
  ['1.29', '1.31', '1.35'],
  ['1.30', '1.32', '1.36'],
]

const CERT_MANAGER_SOURCE = 'cert-manager.io/docs/releases'
const certManagerRange: [minor: string, from: string, to: string][] = [
  ['1.18', '1.29', '1.33'],
  ['1.19', '1.31', '1.35'],
  ['1.20', '1.32', '1.35'],
  ['1.21', '1.33', '1.36'],
]

const between = (from: string, to: string) => `>=${from}.0-0 <${to.split('.')[0]}.${Number(to.split('.')[1]) + 1}.0-0`

export const SUPPORT: readonly Support[] = [
  ...knativeMinimum.map(([minor, from]) => ({
    component: 'knative' as const,
    minor,
    kubernetes: `>=${from}.0-0`,
    source: KNATIVE_SOURCE,
  })),
  ...istioRange.map(([minor, from, to]) => ({
    component: 'istio' as const,
    minor,
    kubernetes: between(from, to),
    source: ISTIO_SOURCE,
  })),
  // The table of the site does not have 1.31 yet: this minimum is the one below which istioctl warns.
  {
    component: 'istio',
    minor: '1.31',
    kubernetes: '>=1.32.0-0',
    source: 'istio/istio, istioctl/pkg/install/k8sversion/version.go',
  },
  // Before 1.18 only the bound in the chart is known.
  ...['1.12', '1.13', '1.14', '1.15', '1.16', '1.17'].map((minor) => ({
    component: 'cert-manager' as const,
    minor,
    kubernetes: '>=1.22.0-0',
    source: "kubeVersion in cert-manager's chart",
  })),
  ...certManagerRange.map(([minor, from, to]) => ({
    component: 'cert-manager' as const,
    minor,
    kubernetes: between(from, to),
    source: CERT_MANAGER_SOURCE,
  })),
]

// istio.io/client-go in net-istio's go.mod at the tag knative-vMINOR.0.
const NET_ISTIO_TESTED: Readonly<Record<string, string>> = {
  '1.9': '1.16',
  '1.10': '1.17',
  '1.11': '1.17',
  '1.12': '1.19',
  '1.13': '1.20',
  '1.14': '1.21',
  '1.15': '1.22',
  '1.16': '1.22',
  '1.17': '1.24',
  '1.18': '1.25',
  '1.19': '1.26',
  '1.20': '1.27',
  '1.21': '1.28',
  '1.22': '1.29',
}

/** '1.31' of '1.31.0-lab' or 'v1.31.4-eks-abc'; undefined for a text without a version. */
export function minorOf(version: string): string | undefined {
  const found = coerce(version)
  return found ? `${found.major}.${found.minor}` : undefined
}

/** A version without a vendor's suffix: '1.31.0' of 'v1.31.0-eks-abc'. Other texts stay as they are. */
export const plainVersion = (version: string): string => coerce(version)?.version ?? version

/** Below 0 where minor `a` is older than `b`, above 0 where it is newer. */
export const compareMinors = (a: string, b: string): number => compare(coerce(a) ?? '0.0.0', coerce(b) ?? '0.0.0')

/**
 * Which Kubernetes an installed version of a component supports.
 * @throws UnknownVersion where the table does not have its minor version
 */
export function supportOf(component: Support['component'], version: string): Support {
  const rows = SUPPORT.filter((row) => row.component === component)
  const row = rows.find(({ minor }) => minor === minorOf(version))
  if (row) return row
  throw unknownVersion(
    component,
    version,
    rows.map(({ minor }) => minor),
  )
}

/**
 * The minor version of Istio that a version of net-istio is built and tested against.
 * @throws UnknownVersion where the table does not have its minor version
 */
export function istioTestedWith(netIstio: string): string {
  const tested = NET_ISTIO_TESTED[minorOf(netIstio) ?? '']
  if (tested) return tested
  throw unknownVersion('net-istio', netIstio, Object.keys(NET_ISTIO_TESTED))
}

function unknownVersion(component: Component, version: string, known: readonly string[]): UnknownVersion {
  const minors = known.toSorted(compareMinors)
  const [oldest = '', newest = ''] = [minors[0], minors.at(-1)]
  const isOlder = minorOf(version) !== undefined && compareMinors(minorOf(version)!, oldest) < 0
  const advice = isOlder ? `(oldest known: ${oldest})` : `(newest known: ${newest}): update Plumbline`
  return new UnknownVersion(
    `Plumbline ${manifest.version} does not know ${TITLES[component]} ${version} ${advice}. ` +
      'This says nothing about your cluster.',
  )
}

/** Whether a Kubernetes version is in a row's range; a vendor's suffix does not matter. */
export const supportsKubernetes = (row: Support, kubernetes: string): boolean =>
  satisfies(coerce(kubernetes) ?? '0.0.0', row.kubernetes)

/** The oldest Kubernetes of a row, as '1.34'. */
export const oldestKubernetes = (row: Support): string => minorOf(minVersion(row.kubernetes)?.version ?? '') ?? ''
