import { z } from 'zod'
import { byComponent, domainSchema, VERSION } from './bring-schema.ts'

/** The word for a version that is not asserted, though `bring` names one. */
export const ANY = 'any'

const wanted = z
  .string()
  .regex(new RegExp(`^(${ANY}|${VERSION})$`), `a version such as 1.34.4 or 1.34 (each of its patches), or ${ANY}`)

/** What must be found. What is not said is not asserted, but for what Plumbline has installed itself: `bring`. */
export const expectSchema = z.strictObject({
  versions: byComponent(wanted)
    .prefault({})
    .describe(`the versions to find; 1.34 is each patch of it, ${ANY} is every version`),
  scheme: z.enum(['http', 'https']).optional().describe("the scheme of the URLs in the status of Knative's Services"),
  domain: domainSchema.optional().describe('the default domain in config-domain'),
  zones: z.int().min(1).optional().describe('in how many zones the nodes are'),
  nlb: z
    .strictObject({
      scheme: z
        .enum(['internal', 'internet-facing'])
        .optional()
        .describe("the scheme of the gateway's load balancer (default: what its Service asks for)"),
      tls: z
        .enum(['gateway', 'acm'])
        .optional()
        .describe('what terminates TLS: the gateway, or the load balancer with a certificate of ACM (default: either)'),
    })
    .prefault({}),
})
