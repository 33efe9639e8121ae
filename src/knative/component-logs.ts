import type { Cluster } from '../cluster/cluster.ts'
import { isThere } from './component-metrics.ts'
import { readComponentLog, type ComponentLog, type Encoding } from './component-log.ts'
import { podsOfComponent } from './component-pods.ts'
import type { Knative } from './knative.ts'

/** How Knative's components write their logs: zap-logger-config of config-logging says it, JSON where it does not. */
export async function logEncoding({ knative }: { knative: Knative }): Promise<Encoding> {
  const { 'zap-logger-config': text } = await knative.settings('config-logging')
  try {
    return (JSON.parse(text ?? '{}') as { encoding?: string }).encoding === 'console' ? 'console' : 'json'
  } catch {
    // Knative itself falls back to its own configuration then.
    return 'json'
  }
}

/** The logs of the last `seconds` of every pod of Knative's components, without pods that are gone since the LIST. */
export async function componentLogs(
  stack: Cluster & { knative: Knative },
  components: readonly string[],
  seconds: number,
): Promise<ComponentLog[]> {
  const encoding = await logEncoding(stack)
  const logs: ComponentLog[] = []
  const pods = (await Promise.all(components.map((component) => podsOfComponent(stack, component)))).flat()
  // One after the other: ten minutes of all logs at once can take more memory than the rest of the run.
  for (const pod of pods.filter(({ status }) => status?.phase === 'Running')) {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const containers = (pod.spec?.containers ?? []) as { name: string }[]
    const container = containers.find((container) => container.name !== 'istio-proxy')?.name ?? ''
    try {
      const text = await stack.k8s.log({ name, namespace, container }, { sinceSeconds: seconds })
      logs.push(readComponentLog(`${namespace}/${name}`, text, encoding))
    } catch (problem) {
      if (await isThere(stack, pod)) throw problem
    }
  }
  return logs
}
