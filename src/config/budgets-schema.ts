import { z } from 'zod'

const budget = (failed: number, gapSeconds: number) =>
  z
    .strictObject({
      failed: z.int().nonnegative().default(failed),
      gapSeconds: z.number().positive().max(300).default(gapSeconds),
    })
    .prefault({})

/**
 * What each fault may cost: failed requests, and the longest time without a good answer. What Kubernetes and Knative
 * promise costs nothing: a drain with budgets, a rollout. A pod that is killed without grace may lose the requests it
 * holds, and those sent to it until its endpoint is removed.
 */
export const budgetsSchema = z.strictObject({
  'drain-node': budget(0, 1),
  'drain-zone': budget(0, 1),
  'gateway-rollout': budget(0, 1),
  'nlb-target-drain': budget(0, 1),
  'kill-gateway': budget(40, 5),
  'kill-activator': budget(40, 5),
  'kill-autoscaler': budget(0, 1),
  'kill-istiod': budget(0, 1),
  'kill-webhook': budget(0, 1),
  'kill-queue-proxy': budget(40, 5),
  coldStartSeconds: z
    .number()
    .positive()
    .max(300)
    .default(15)
    .describe('the longest time to the first byte of a request to a Service without pods'),
})
