import type { EksCluster } from '../cloud/eks-cluster.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import type { ObjectId } from '../kube/object-id.ts'

export type ComponentName =
  'metallb' | 'lb-controller' | 'cert-manager' | 'istio' | 'knative-serving' | 'net-istio' | 'workload'

/** What an installation is told and told of. */
export interface InstallContext {
  api: Kubernetes
  config: StackConfig
  context: string
  /** The EKS cluster, where it is one. */
  eks?: EksCluster & { region: string }
  tell: (what: string) => void
  signal: AbortSignal
}

/**
 * One part of the stack: what must be Available before it is installed, and how it is. Installing twice changes
 * nothing.
 */
export interface Component {
  name: ComponentName
  after: ComponentName[]
  /** The Deployment, NAMESPACE/NAME, that is there where the component is; a Knative Service for the workload. */
  mark: ObjectId
  /** Everything that it applies, for a plan and for taking it down again. */
  objects: (context: InstallContext) => Promise<KubernetesObject[]>
  install: (context: InstallContext) => Promise<void>
}

/** The mark of a component that is there once a Deployment of its is. */
export const deploymentMark = (namespace: string, name: string): ObjectId => ({
  kind: 'apps/v1/Deployment',
  namespace,
  name,
})

/** Installs components, each as soon as what it comes after is Available. */
export async function installAll(components: Component[], context: InstallContext): Promise<void> {
  const started = new Map<ComponentName, Promise<void>>()
  const start = (component: Component): Promise<void> => {
    const known = started.get(component.name)
    if (known) return known
    const before = components.filter((each) => component.after.includes(each.name))
    const work = Promise.all(before.map(start)).then(async () => {
      context.signal.throwIfAborted()
      const from = performance.now()
      context.tell(`${component.name}: installing`)
      await component.install(context)
      context.tell(`${component.name}: Available after ${((performance.now() - from) / 1000).toFixed(1)} s`)
    })
    started.set(component.name, work)
    return work
  }
  await Promise.all(components.map(start))
}
