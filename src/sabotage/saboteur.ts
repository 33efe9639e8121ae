import { OpenChanges, type ChangesContext } from '../cluster/open-changes.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import type { Ref, Survey } from '../survey/survey.ts'
import type { Surveyed } from '../survey/surveyed.ts'

/** The hands of a sabotage: every change is in the journal, with what undoes it, before it is made. */
export class Saboteur extends OpenChanges {
  /** What stands in the stack while nothing is broken: names are taken from here. */
  readonly survey: () => Promise<Survey>

  constructor(stack: ChangesContext & Surveyed) {
    super(stack)
    this.survey = () => stack.survey()
  }

  /** Scales a Deployment, and waits until it has as many pods, Ready. */
  async scale({ namespace, name }: Ref, replicas: number): Promise<void> {
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
  async rolledOut({ namespace, name }: Ref): Promise<void> {
    await this.until({ kind: 'apps/v1/Deployment', namespace, name }, isRolledOut, 'componentAvailable')
  }
}
