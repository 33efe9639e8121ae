import { plainMessage } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { askPod } from '../kube/forward.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'

// Envoy answers a POST without parameters with its levels; it refuses GET, since /logging can change them.
const ENVOY = { port: 15000, path: '/logging' }
// istiod's introspection interface (ctrlz).
const ISTIOD = { port: 9876, path: '/scopej' }

/** The level of each logger of a proxy's Envoy. */
export async function envoyLevels(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
): Promise<Record<string, string>> {
  return readLevels(await postLogging(stack, pod))
}

/** Sets the level of one logger of a proxy's Envoy until the running check ends. Returns all levels then. */
export async function tuneEnvoyLevel(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
  logger: string,
  level: string,
): Promise<Record<string, string>> {
  const before = (await envoyLevels(stack, pod))[logger] ?? 'warning'
  const setTo = (to: string) => ({ method: 'POST' as const, path: `${ENVOY.path}?${logger}=${to}` })
  return readLevels(await stack.changes.tell(pod, ENVOY.port, setTo(level), setTo(before)))
}

/** The level of one of istiod's scopes. */
export async function istiodLevel(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
  scope: string,
): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const answer = await askPod(stack.k8s, { name, namespace, port: ISTIOD.port }, { path: `${ISTIOD.path}/${scope}` })
  return (JSON.parse(answer) as { output_level: string }).output_level
}

/** Sets the level of one of istiod's scopes until the running check ends. */
export async function tuneIstiodLevel(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
  scope: string,
  level: string,
): Promise<void> {
  const before = await istiodLevel(stack, pod, scope)
  const setTo = (to: string) => ({
    method: 'PUT' as const,
    path: `${ISTIOD.path}/${scope}`,
    body: JSON.stringify({ name: scope, output_level: to }),
  })
  await stack.changes.tell(pod, ISTIOD.port, setTo(level), setTo(before))
}

/** A sentence for a proxy with loggers at debug or trace. */
export async function verboseLoggers(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string[]> {
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

function postLogging(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  return askPod(stack.k8s, { name, namespace, port: ENVOY.port }, { path: ENVOY.path, method: 'POST', isRead: true })
}

const readLevels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^\s+([\w.-]+): (\w+)$/gm)].map(([, logger = '', level = '']) => [logger, level]),
  )

/** Envoy's refusal of GET /logging, which the guide uses; empty where it accepts that. */
export async function refusalOfGet(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const answer = askPod(stack.k8s, { name, namespace, port: ENVOY.port }, { path: ENVOY.path })
  return answer.then(
    () => '',
    (problem: unknown) => plainMessage(problem),
  )
}
