import { z } from 'zod'

const budget = (fault: string, failed: number, gapSeconds: number) =>
  z
    .strictObject({
      failed: z.int().nonnegative().default(failed),
      gapSeconds: z.number().positive().max(300).default(gapSeconds),
    })
    .prefault({})
    .describe(`failed requests, and the longest gap without an answer, while ${fault}`)

/**
 * What each fault may cost: failed requests, and the longest time without a good answer. What Kubernetes and Knative
 * promise costs nothing: a drain with budgets, a rollout. A pod that is killed without grace may lose the requests it
 * holds, and those sent to it until its endpoint is removed.
 */
export const budgetsSchema = z.strictObject({
  'drain-node': budget('a node is drained', 0, 1),
  'drain-zone': budget('all nodes of a zone are drained', 0, 1),
  'gateway-rollout': budget('the gateway restarts pod by pod', 0, 1),
  'nlb-target-drain': budget('a target of the NLB is deregistered', 0, 1),
  'kill-gateway': budget('a gateway pod is killed', 40, 5),
  'kill-activator': budget('an activator pod is killed', 40, 5),
  'kill-autoscaler': budget('the autoscaler is killed', 0, 1),
  'kill-istiod': budget('istiod is killed', 0, 1),
  'kill-webhook': budget("Knative's webhook is killed", 0, 1),
  'kill-queue-proxy': budget('a queue-proxy is killed', 40, 5),
  coldStartSeconds: z
    .number()
    .positive()
    .max(300)
    .default(15)
    .describe('the longest time to the first byte of a request to a Service without pods'),
})
