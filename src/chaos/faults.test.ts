import { expect, test } from 'vitest'
import type { Stack } from '../stack/stack.ts'
import type { Workload } from '../survey/survey.ts'
import { removePods, restartByStrategy } from './faults.ts'

const autoscaler: Workload = {
  ...{ kind: 'Deployment', namespace: 'serving', name: 'autoscaler', replicas: 1 },
  ...{ podLabels: { app: 'autoscaler' }, selector: { app: 'autoscaler' } },
}
/** A stack in which everything but a look is a fault of the test. */
const untouched = (spec: object = {}) => ({ k8s: { get: () => Promise.resolve({ spec }) } }) as unknown as Stack

test.each<[string, Partial<Workload>, string]>([
  [
    'GitOps would scale up again',
    { owner: { kind: 'argocd', name: 'platform', reverts: true } },
    'Deployment serving/autoscaler is kept by Argo CD (platform), which would scale it up again.',
  ],
  [
    'cannot be scaled',
    { kind: 'DaemonSet' },
    'DaemonSet serving/autoscaler: a DaemonSet cannot be scaled to 0; its pods come back at once.',
  ],
])('what %s is not taken away', async (_, more, message) => {
  await expect(removePods(untouched(), { ...autoscaler, ...more })).rejects.toMatchObject({
    name: 'DoesNotApply',
    message,
  })
})

test('a DaemonSet that is updated by deletion has no rolling restart', async () => {
  const stack = untouched({ updateStrategy: { type: 'OnDelete' } })
  await expect(restartByStrategy(stack, { ...autoscaler, kind: 'DaemonSet' })).rejects.toThrow(
    'DaemonSet serving/autoscaler has updateStrategy OnDelete: it has no rolling restart of its own.',
  )
})
