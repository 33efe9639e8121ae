import { z } from 'zod'

const version = z.string().regex(/^v?\d+\.\d+(\.\d+)?([-+].+)?$/, 'a version such as 1.34.4')
const serviceAddress = z
  .string()
  .regex(/^[a-z0-9-]+\/[a-z0-9-]+:[a-z0-9-]+$/, 'NAMESPACE/NAME:PORT of a Service')
  .optional()
const file = z.string().min(1)

/** Knative's domain on a stack that is brought up and whose stack.yaml names none. */
export const USUAL_DOMAIN = 'example.com'

const budget = (failed: number, gapSeconds: number) =>
  z
    .strictObject({
      failed: z.int().nonnegative().default(failed),
      gapSeconds: z.number().positive().max(300).default(gapSeconds),
    })
    .prefault({})

/**
 * What each fault may cost: failed requests, and the longest time without a good answer. What Kubernetes and Knative promise costs
 * nothing: a drain with budgets, a rollout. A pod killed without grace may lose what it held, and what was sent to it until its endpoint is gone.
 */
const budgetsSchema = z.strictObject({
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
    .describe('the first byte of a request that finds no pod'),
})

/** stack.yaml: the stack to certify. Every key that it may have, with its default. */
export const stackSchema = z.strictObject({
  target: z
    .enum(['twin', 'kind', 'eks', 'existing'])
    .default('twin')
    .describe(
      'where the stack is: twin is a stand-in on loopback, kind brings a cluster up on this machine, eks is a cluster of AWS by its name, existing takes one of a kubeconfig as it is',
    ),
  twin: z
    .strictObject({
      cloud: z.enum(['metallb', 'aws']).default('metallb').describe('whose load balancers a twin has'),
    })
    .prefault({}),
  kubeconfig: file.optional().describe('the kubeconfig; KUBECONFIG or ~/.kube/config where not given'),
  context: z
    .string()
    .min(1)
    .optional()
    .describe(
      'the context in the kubeconfig; kind-NAME for kind, else the current one; for eks the way in, where it is not the endpoint that AWS names',
    ),
  cluster: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, 'letters, digits and dashes')
        .default('plumbline')
        .describe("the kind cluster's name, or the EKS cluster's"),
      nodeImage: z
        .string()
        .optional()
        .describe('the image of a kind node; kindest/node of versions.kubernetes where not given'),
      zones: z.array(z.string().min(1)).min(1).default(['zone-a', 'zone-b', 'zone-c']).describe('a worker in each'),
    })
    .prefault({}),
  versions: z
    .strictObject({
      kubernetes: version.optional(),
      istio: version.optional(),
      knative: version.optional(),
      'net-istio': version.optional(),
      'cert-manager': version.optional(),
      metallb: version.optional(),
      'lb-controller': version.optional(),
    })
    .prefault({})
    .describe('what kind and eks install; on any target a check fails where another version is found'),
  domain: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a DNS domain')
    .optional()
    .describe(
      `the key expected in Knative's config-domain; a stack that is brought up without one gets ${USUAL_DOMAIN}`,
    ),
  gateway: z
    .strictObject({
      namespace: z.string().default('istio-system'),
      service: z.string().default('istio-ingressgateway'),
    })
    .prefault({}),
  nlb: z
    .strictObject({
      scheme: z.enum(['internal', 'internet-facing']).default('internal'),
      tls: z
        .enum(['gateway', 'acm'])
        .default('gateway')
        .describe('where TLS ends: at the gateway, or at the load balancer by a certificate of ACM'),
    })
    .prefault({}),
  aws: z
    .strictObject({
      region: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-central-1')
        .optional()
        .describe('AWS_REGION, or that of the kubeconfig, where not given'),
      profile: z
        .string()
        .min(1)
        .optional()
        .describe("a profile of AWS's own configuration; AWS_PROFILE where not given"),
      endpoint: z.url().optional().describe("where AWS's APIs are, for a stand-in of AWS"),
      controller: z
        .strictObject({
          role: z
            .string()
            .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role')
            .optional()
            .describe('the role of the AWS Load Balancer Controller, that it is given where it has none'),
          identity: z
            .enum(['pod-identity', 'irsa'])
            .default('pod-identity')
            .describe('how it is given: by a Pod Identity association, or by the annotation of its ServiceAccount'),
          chart: z
            .string()
            .min(1)
            .default('aws-load-balancer-controller')
            .describe('its Helm chart: a name in https://aws.github.io/eks-charts, or a folder or archive'),
          values: z.record(z.string(), z.unknown()).default({}).describe('values laid over those that are given to it'),
        })
        .prefault({}),
    })
    .prefault({})
    .describe('where AWS is asked, with the credentials of its own tools'),
  dns: z
    .strictObject({
      servers: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe("the DNS servers that know the load balancer's name, IP or IP:PORT; this machine's where not given"),
    })
    .prefault({}),
  addresses: z
    .strictObject({
      ingress: z
        .string()
        .optional()
        .describe("the load balancer's address, where the Service's status does not have the one to use"),
      ports: z
        .strictObject({ http: z.number().int().default(80), https: z.number().int().default(443) })
        .prefault({})
        .describe("the ports that the load balancer's 80 and 443 are reached by, through a forward say"),
      pool: z
        .string()
        .optional()
        .describe("MetalLB's pool on kind, FIRST-LAST; the end of Docker's network where not given"),
    })
    .prefault({}),
  observability: z
    .strictObject({
      prometheus: serviceAddress.describe("Prometheus's Service; without it no check asks Prometheus"),
      loki: serviceAddress.describe("Loki's Service; without it no check looks for collected logs"),
    })
    .prefault({}),
  acme: z
    .strictObject({
      issuer: z.string().min(1).describe('the ClusterIssuer of ACME that is tried by an order'),
      dnsName: z.string().min(1).describe('a name below a zone that its solver may write to'),
    })
    .optional(),
  vantage: z
    .enum(['local', 'cluster'])
    .default('local')
    .describe('where HTTP requests start: here, or in a pod of ours'),
  images: z
    .strictObject({
      node: z.string().default('docker.io/library/node:24-alpine'),
      nginx: z.string().default('docker.io/library/nginx:alpine'),
      onNodes: z
        .boolean()
        .optional()
        .describe(
          'the images are on the nodes and nothing is to be resolved at a registry; true where a mirror is given',
        ),
    })
    .prefault({}),
  mirror: file.optional().describe('a folder with COMPONENT.yaml for each component, instead of the release pages'),
  load: z
    .strictObject({
      from: z
        .enum(['here', 'job'])
        .optional()
        .describe('where k6 runs: here, or as a Job in the cluster; as vantage says where not given'),
      image: z.string().min(1).default('docker.io/grafana/k6:1.8.1').describe("the image of the Job's pod"),
    })
    .prefault({}),
  budgets: budgetsSchema
    .prefault({})
    .describe('what a fault may cost: failed requests, and the longest gap without an answer'),
  deadlines: z.strictObject({ factor: z.number().positive().max(20).default(1) }).prefault({}),
})

/** A stack.yaml, read, checked and completed with its defaults. */
export type StackConfig = z.infer<typeof stackSchema>
