import { plainMessage } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { askPod } from '../kube/forward.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'

// Envoy's admin answers a list of levels to a POST without parameters; a GET is refused, since /logging changes things.
const ENVOY = { port: 15000, path: '/logging' }
// istiod's introspection interface (ctrlz).
const ISTIOD = { port: 9876, path: '/scopej' }

/** The level of every logger of a proxy's Envoy. */
export async function envoyLevels(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
): Promise<Record<string, string>> {
  return readLevels(await ask(stack, pod))
}

/** Turns one logger of a proxy's Envoy to a level, for the time of the running check. */
export async function tuneEnvoyLevel(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
  logger: string,
  level: string,
): Promise<Record<string, string>> {
  const before = (await envoyLevels(stack, pod))[logger] ?? 'warning'
  const turn = (to: string) => ({ method: 'POST' as const, path: `${ENVOY.path}?${logger}=${to}` })
  return readLevels(await stack.changes.tell(pod, ENVOY.port, turn(level), turn(before)))
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

/** Turns one of istiod's scopes to a level, for the time of the running check. */
export async function tuneIstiodLevel(
  stack: Cluster & { changes: Changes },
  pod: KubernetesObject,
  scope: string,
  level: string,
): Promise<void> {
  const before = await istiodLevel(stack, pod, scope)
  const turn = (to: string) => ({
    method: 'PUT' as const,
    path: `${ISTIOD.path}/${scope}`,
    body: JSON.stringify({ name: scope, output_level: to }),
  })
  await stack.changes.tell(pod, ISTIOD.port, turn(level), turn(before))
}

/** A sentence for each logger of a proxy that writes at debug or trace. */
export async function talkative(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string[]> {
  const levels = Object.entries(await envoyLevels(stack, pod))
  const loud = levels.filter(([, level]) => level === 'debug' || level === 'trace')
  if (loud.length === 0) return []
  const which =
    loud.length === levels.length
      ? 'every logger'
      : loud
          .slice(0, 3)
          .map(([logger]) => logger)
          .join(', ')
  return [`${pod.metadata?.name}: ${which} at ${loud[0]?.[1]}${loud.length > 3 ? ` (${loud.length} of them)` : ''}`]
}

function ask(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  return askPod(stack.k8s, { name, namespace, port: ENVOY.port }, { path: ENVOY.path, method: 'POST', isRead: true })
}

const readLevels = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^\s+([\w.-]+): (\w+)$/gm)].map(([, logger = '', level = '']) => [logger, level]),
  )

/** What Envoy says of a GET of /logging, as the guide has it; nothing where it answers one. */
export async function refusalOfGet(stack: Cluster & { changes: Changes }, pod: KubernetesObject): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const asked = askPod(stack.k8s, { name, namespace, port: ENVOY.port }, { path: ENVOY.path })
  return asked.then(
    () => '',
    (problem: unknown) => plainMessage(problem),
  )
}
