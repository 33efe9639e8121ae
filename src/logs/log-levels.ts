import { plainMessage } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { askPod } from '../kube/forward.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Istio } from '../mesh/istio.ts'
import { theIstiod } from '../survey/surveyed.ts'

// Envoy answers a POST without parameters with its levels; it refuses GET, since /logging can change them.
const LOGGING = '/logging'
// Of istiod's introspection interface (ctrlz).
const SCOPES = '/scopej'

type Parts = Cluster & { changes: Changes; istio: Istio }

/** The level of each logger of a proxy's Envoy. */
export async function envoyLevels(stack: Parts, pod: KubernetesObject): Promise<Record<string, string>> {
  return readLevels(await postLogging(stack, pod))
}

/** Sets the level of one logger of a proxy's Envoy until the running check ends. Returns all levels then. */
export async function tuneEnvoyLevel(
  stack: Parts,
  pod: KubernetesObject,
  logger: string,
  level: string,
): Promise<Record<string, string>> {
  const before = (await envoyLevels(stack, pod))[logger] ?? 'warning'
  const setTo = (to: string) => ({ method: 'POST' as const, path: `${LOGGING}?${logger}=${to}` })
  return readLevels(await stack.changes.tell(pod, await stack.istio.adminPort(pod), setTo(level), setTo(before)))
}

/** The level of one of istiod's scopes. */
export async function istiodLevel(stack: Parts, pod: KubernetesObject, scope: string): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const { ctrlz: port } = (await theIstiod(stack)).ports
  const answer = await askPod(stack.k8s, { name, namespace, port }, { path: `${SCOPES}/${scope}` })
  return (JSON.parse(answer) as { output_level: string }).output_level
}

/** Sets the level of one of istiod's scopes until the running check ends. */
export async function tuneIstiodLevel(
  stack: Parts,
  pod: KubernetesObject,
  scope: string,
  level: string,
): Promise<void> {
  const before = await istiodLevel(stack, pod, scope)
  const setTo = (to: string) => ({
    method: 'PUT' as const,
    path: `${SCOPES}/${scope}`,
    body: JSON.stringify({ name: scope, output_level: to }),
  })
  const { ctrlz } = (await theIstiod(stack)).ports
  await stack.changes.tell(pod, ctrlz, setTo(level), setTo(before))
}

/** A sentence for a proxy with loggers at debug or trace. */
export async function verboseLoggers(stack: Parts, pod: KubernetesObject): Promise<string[]> {
  const levels = Object.entries(await envoyLevels(stack, pod))
  const verbose = levels.filter(([, level]) => level === 'debug' || level === 'trace')
  if (verbose.length === 0) return []
  const loggers =
    verbose.length === levels.length
      ? 'every logger'
      : verbose
          .slice(0, 3)
          .map(([logger]) => logger)
          .join(', ')
  const count = verbose.length > 3 ? ` (${verbose.length} loggers)` : ''
  return [`Pod ${pod.metadata?.name}: ${loggers} at ${verbose[0]?.[1]}${count}`]
}

async function postLogging(stack: Parts, pod: KubernetesObject): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const port = await stack.istio.adminPort(pod)
  return askPod(stack.k8s, { name, namespace, port }, { path: LOGGING, method: 'POST', isRead: true })
}

const readLevels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^\s+([\w.-]+): (\w+)$/gm)].map(([, logger = '', level = '']) => [logger, level]),
  )

/** Envoy's refusal of GET /logging, which the guide uses; empty where it accepts that. */
export async function refusalOfGet(stack: Parts, pod: KubernetesObject): Promise<string> {
  return stack.istio.admin(pod, LOGGING).then(
    () => '',
    (problem: unknown) => plainMessage(problem),
  )
}
