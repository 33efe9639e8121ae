import { OpenChanges } from '../cluster/open-changes.ts'
import { isRolledOut } from '../kube/rolled-out.ts'

/** The hands of a sabotage: every change is in the journal, with what undoes it, before it is made. */
export class Saboteur extends OpenChanges {
  /** Scales a Deployment, and waits until it has as many pods, Ready. */
  async scale(namespace: string, name: string, replicas: number): Promise<void> {
    await this.change('apps/v1/Deployment', namespace, name, { spec: { replicas } })
    await this.until(
      { kind: 'apps/v1/Deployment', namespace, name },
      ([found]) =>
        (found?.status?.replicas ?? 0) === replicas && (found?.status?.readyReplicas ?? 0) === replicas
          ? undefined
          : `${found?.status?.readyReplicas ?? 0} of ${replicas} pods are Ready, ${found?.status?.replicas ?? 0} exist`,
      'scale',
    )
  }

  /** Waits until a Deployment has nothing but Ready pods of its newest template. */
  async rolledOut(namespace: string, name: string): Promise<void> {
    await this.until({ kind: 'apps/v1/Deployment', namespace, name }, isRolledOut, 'componentAvailable')
  }
}
