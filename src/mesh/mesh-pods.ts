import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { describeAnswer, type Answer } from '../traffic/http.ts'
import { podsReady } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from './istio.ts'
import type { Agent } from '../traffic/agent.ts'
import { workloadNamespace } from '../cluster/workload.ts'
import { valueOf } from '../survey/fact.ts'
import { clusterDomain, type Surveyed } from '../survey/surveyed.ts'

type Parts = Cluster & { istio: Istio; agent: Agent }

const PROXY = 'istio-proxy'

/**
 * Whether a pod is in the mesh: the proxy is one of its containers, or an init container (a native sidecar). Ambient's
 * ztunnel has a container of that name, too, and is no sidecar.
 */
export const hasSidecar = (pod: KubernetesObject): boolean =>
  pod.metadata?.labels?.app !== 'ztunnel' &&
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].some(
    ({ name }: { name: string }) => name === PROXY,
  )

/**
 * The namespace labels with which the gateway's istiod injects sidecars; the usual one where every namespace gets them
 * unasked.
 * @throws StackFailure where no label does
 */
export async function injectionLabels(cluster: Surveyed): Promise<Record<string, string>> {
  const { labels, byDefault } = valueOf((await cluster.survey()).injection)
  return byDefault ? { 'istio-injection': 'enabled' } : { ...labels }
}

/** Two pods in the mesh, a server and a client, in a namespace of their own. */
export class MeshPods {
  readonly namespace: string
  readonly server: KubernetesObject
  readonly #stack: Parts

  private constructor(stack: Parts, namespace: string, server: KubernetesObject) {
    this.#stack = stack
    this.namespace = namespace
    this.server = server
  }

  /**
   * Creates them, once a run for each name.
   * @throws StackFailure where they get no sidecar, do not become Ready, or do not reach each other
   */
  static create(stack: Parts, name: string): Promise<MeshPods> {
    return stack.shared(name, async () => {
      const namespace = await workloadNamespace(stack, name, await injectionLabels(stack))
      await stack.applyFixture('tls/mesh-pods.yaml', {
        namespace,
        ...(await stack.agent.fixtureValues()),
      })
      const pods = await stack.until({ kind: 'v1/Pod', namespace }, podsReady(2), 'podReady')
      const outside = pods.find((pod) => !hasSidecar(pod))
      if (outside)
        throw new StackFailure(
          `Pod ${namespace}/${outside.metadata?.name}: no sidecar injected, though the namespace has the label. ` +
            'Look at the injection webhook of istiod and at its log.',
        )
      const server = pods.find(({ metadata }) => metadata?.name === 'server')
      const mesh = new MeshPods(stack, namespace, server!)
      // A sidecar is Ready with its first configuration; it gets the other pod's address with a later push.
      await stack.eventually(
        `Pod ${namespace}/client reaching Pod ${namespace}/server through the sidecars`,
        async () => {
          const answer = await mesh.fromInside()
          return answer.status === 200 ? undefined : describeAnswer(answer)
        },
        'configPush',
        { inARow: 3 },
      )
      return mesh
    })
  }

  /** A request to the server in plain text, from a pod outside of the mesh. */
  fromOutside(): Promise<Answer> {
    const address = String(this.server.status?.podIP)
    return this.#stack.agent.send({ address, port: 8080, host: address, path: '/info' })
  }

  /** The same request from the client, through its sidecar. */
  async fromInside(): Promise<Answer> {
    const host = `server.${this.namespace}.svc.${await clusterDomain(this.#stack)}`
    const request = { address: host, port: 80, host, path: '/info', withinMs: deadline('request') }
    return this.#stack.agent.askPod<Answer>({ namespace: this.namespace, name: 'client' }, 'request', request)
  }

  /** The client's SPIFFE identity, from the header that the server's sidecar adds. */
  static identityOf(answer: Answer): string | undefined {
    if (answer.status !== 200)
      throw new StackFailure(`A request between two pods in the mesh failed: ${describeAnswer(answer)}.`)
    const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> }
    return /URI=(spiffe:[^;,]+)/.exec(headers['x-forwarded-client-cert'] ?? '')?.[1]
  }
}
