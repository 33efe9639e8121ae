import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readyPods } from '../kube/pods.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Stack } from '../stack/stack.ts'
import type { WatchedThrough } from './experiment.ts'
import { podSelector } from './faults.ts'
import { spreadAgain, zoneCount } from './spread.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

/** The gateway's Deployment, for faults. */
export interface GatewayDeployment {
  /** NAMESPACE/NAME. */
  name: string
  watched: WatchedThrough
  /** Spreads its pods over as many zones as they are in now. */
  spreadAgain: () => Promise<void>
}

/**
 * The Deployment behind the gateway's Service.
 * @throws StackFailure if there is none
 */
export async function gatewayDeployment(stack: Stack): Promise<GatewayDeployment> {
  const { namespace, name: service } = await gatewayName(stack)
  const { spec } = await stack.one('v1/Service', service, namespace)
  const deployment = (await stack.all('apps/v1/Deployment', namespace)).find(({ spec: own }: KubernetesObject) =>
    selectedByService(spec?.selector, own?.template?.metadata?.labels ?? {}),
  )
  if (!deployment)
    throw new StackFailure(`Service ${namespace}/${service}: its selector matches the pods of no Deployment.`)
  const name = `${namespace}/${deployment.metadata?.name}`
  const zones = await zoneCount(stack, name)
  return {
    name,
    spreadAgain: () => spreadAgain(stack, name, zones),
    watched: {
      title: 'gateway pods Ready',
      kind: 'v1/Pod',
      namespace,
      labels: podSelector(deployment),
      count: (pods) => readyPods(pods).length,
    },
  }
}
