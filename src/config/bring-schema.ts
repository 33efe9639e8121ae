import { z } from 'zod'

/** Knative's domain on a stack that Plumbline installs and whose stack.yaml has none. */
export const USUAL_DOMAIN = 'example.com'

/** The components whose version stack.yaml may name. */
export const VERSIONED = [
  'kubernetes',
  'istio',
  'knative',
  'net-istio',
  'cert-manager',
  'metallb',
  'lb-controller',
] as const
export type Versioned = (typeof VERSIONED)[number]

/** A map with an optional value of this schema for each component. */
export const byComponent = <T extends z.ZodType>(schema: T) =>
  z.strictObject(
    Object.fromEntries(VERSIONED.map((name) => [name, schema.optional()])) as Record<Versioned, z.ZodOptional<T>>,
  )

export const VERSION = String.raw`v?\d+\.\d+(\.\d+)?([-+].+)?`
const version = z.string().regex(new RegExp(`^${VERSION}$`), 'a version such as 1.34.4')

/** A DNS domain, as Knative's config-domain has it. */
export const domainSchema = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a DNS domain')

const controllerSchema = z.strictObject({
  role: z
    .string()
    .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role')
    .optional()
    .describe('the IAM role to give to the AWS Load Balancer Controller where it has none'),
  identity: z
    .enum(['pod-identity', 'irsa'])
    .default('pod-identity')
    .describe('how the controller gets its role: Pod Identity association, or annotation of its ServiceAccount'),
  chart: z
    .string()
    .min(1)
    .default('aws-load-balancer-controller')
    .describe('the Helm chart: a name in https://aws.github.io/eks-charts, or the path of a folder or archive'),
  values: z.record(z.string(), z.unknown()).default({}).describe('Helm values that override those of Plumbline'),
})

/** What the targets kind, eks and twin install. The target existing installs nothing. */
export const bringSchema = z.strictObject({
  versions: byComponent(version).prefault({}).describe('the versions to install; eks leaves its Kubernetes as it is'),
  domain: domainSchema.optional().describe(`the domain to set in config-domain (default: ${USUAL_DOMAIN})`),
  zones: z
    .array(z.string().min(1))
    .min(1)
    .default(['zone-a', 'zone-b', 'zone-c'])
    .describe('the zones of the kind cluster, with a worker in each'),
  nodeImage: z
    .string()
    .min(1)
    .optional()
    .describe('the image of the kind nodes (default: kindest/node of bring.versions.kubernetes)'),
  pool: z
    .string()
    .min(1)
    .optional()
    .describe("the MetalLB address pool on kind as FIRST-LAST (default: the end of Docker's network)"),
  mirror: z
    .string()
    .min(1)
    .optional()
    .describe('a folder with COMPONENT.yaml for each component, used instead of the release pages'),
  controller: controllerSchema.prefault({}).describe('the AWS Load Balancer Controller on eks'),
})
