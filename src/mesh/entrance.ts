import { allServed } from '../cluster/served.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { selectedByService } from '../kube/selector.ts'
import { valueOf } from '../survey/fact.ts'
import type { Maker } from '../config/load-balancer-makers.ts'
import type { Gateway } from '../survey/survey.ts'
import { theKnative } from '../survey/surveyed.ts'

/** Who binds load balancers to Services of any type. */
const BINDERS: readonly Maker[] = ['aws-lbc', 'eks-auto', 'tgb']

/** Whether traffic from outside of the cluster may come in by a gateway's Service. */
export const isEntrance = ({ service, hostNetwork }: Gateway, maker: Maker): boolean =>
  service.type === 'LoadBalancer' || service.type === 'NodePort' || hostNetwork || BINDERS.includes(maker)

/**
 * The ports on which the external Gateways of config-istio that select a gateway have servers, and to which its Service
 * does not lead: a sentence for each, with what is missing.
 */
export async function portsWithoutWay(cluster: Cluster, gateway: Gateway): Promise<string[]> {
  const listening = Object.keys(valueOf(gateway.listens)).map(Number)
  return (await gatewaysOf(cluster, gateway)).flatMap(({ metadata, spec }) =>
    ((spec?.servers ?? []) as { port?: { number?: number } }[]).flatMap(({ port }) => {
      const wanted = Number(port?.number)
      const server = `Gateway ${metadata?.namespace}/${metadata?.name}, port ${wanted}`
      // A Service that keeps istiod from translating ports leads to the number itself.
      const way =
        gateway.ports.find((each) => each.port === wanted) ?? gateway.ports.find(({ target }) => target === wanted)
      if (!way) return [`${server}: the Service has no such port`]
      return listening.includes(way.port) ? [] : [`${server}: no Envoy listens on port ${way.target} of its pod`]
    }),
  )
}

/** The external Gateways of config-istio that select a gateway's pods. */
async function gatewaysOf(cluster: Cluster, { workloads }: Gateway): Promise<KubernetesObject[]> {
  const { external } = valueOf((await theKnative(cluster)).gateways)
  const all = await allServed(cluster, 'networking.istio.io/Gateway')
  return all.filter(
    ({ metadata, spec }) =>
      external.some(({ namespace, name }) => namespace === metadata?.namespace && name === metadata.name) &&
      workloads.some(({ podLabels }) =>
        selectedByService(spec?.selector as Record<string, string> | undefined, { ...podLabels }),
      ),
  )
}
