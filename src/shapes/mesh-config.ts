import { parse, stringify } from 'yaml'
import { StackFailure } from '../core/problem.ts'
import { eventually } from '../core/eventually.ts'
import { askPod } from '../kube/forward.ts'
import { alivePods } from '../kube/pods.ts'
import type { Shaper } from './shaper.ts'

// Where the istiod that Plumbline's own targets have is configured, and asked.
const [NAMESPACE, CONFIG_MAP, DEBUG_PORT] = ['istio-system', 'istio', 15014]

/** Sets fields of the mesh configuration, and waits until every istiod has them in force. */
export async function changeMesh(shaper: Shaper, fields: Record<string, unknown>): Promise<void> {
  const { data } = await shaper.api.get('v1/ConfigMap', CONFIG_MAP, NAMESPACE)
  const mesh = (parse(String((data as Record<string, string>).mesh)) ?? {}) as Record<string, unknown>
  await shaper.change('v1/ConfigMap', NAMESPACE, CONFIG_MAP, { data: { mesh: stringify({ ...mesh, ...fields }) } })
  const pods = alivePods((await shaper.api.list('v1/Pod', { namespace: NAMESPACE, labels: 'app=istiod' })).items)
  if (pods.length === 0) throw new StackFailure(`Namespace ${NAMESPACE} has no pod of istiod.`)
  await eventually(
    'mesh configuration of istiod',
    async () => {
      for (const { metadata } of pods) {
        const pod = { namespace: NAMESPACE, name: metadata?.name ?? '', port: DEBUG_PORT }
        const inForce = JSON.parse(await askPod(shaper.api, pod, { path: '/debug/mesh' })) as Record<string, unknown>
        const old = Object.keys(fields).find((key) => JSON.stringify(inForce[key]) !== JSON.stringify(fields[key]))
        if (old !== undefined) return `pod ${pod.name} has another ${old}`
      }
      return undefined
    },
    'configPush',
  )
}
