import { z } from 'zod'
import { MAKERS } from './load-balancer-makers.ts'

const version = z.string().regex(/^v?\d+\.\d+(\.\d+)?([-+].+)?$/, 'a version such as 1.34.4')
const serviceAddress = z
  .string()
  .regex(/^[a-z0-9-]+\/[a-z0-9-]+:[a-z0-9-]+$/, 'NAMESPACE/NAME:PORT of a Service')
  .optional()
const file = z.string().min(1)

/** Knative's domain on a stack that Plumbline installs and whose stack.yaml has none. */
export const USUAL_DOMAIN = 'example.com'

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
    .describe('the longest time to the first byte of a request to a Service without pods'),
})

/** stack.yaml, the stack to certify: all of its keys with their defaults. */
export const stackSchema = z.strictObject({
  target: z
    .enum(['twin', 'kind', 'eks', 'existing'])
    .default('twin')
    .describe(
      'where the stack is. twin: a stand-in on loopback; kind: a kind cluster on this machine, created where it does ' +
        'not exist; eks: an EKS cluster by its name; existing: the cluster of a kubeconfig',
    ),
  twin: z
    .strictObject({
      cloud: z.enum(['metallb', 'aws']).default('metallb').describe('the kind of load balancers that a twin has'),
    })
    .prefault({}),
  kubeconfig: file.optional().describe('the path of the kubeconfig (default: KUBECONFIG or ~/.kube/config)'),
  context: z
    .string()
    .min(1)
    .optional()
    .describe(
      'the context in the kubeconfig (default: kind-NAME for kind, else the current context); for eks only where the ' +
        'endpoint that AWS gives is not reachable directly',
    ),
  cluster: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, 'letters, digits and dashes')
        .default('plumbline')
        .describe('the name of the kind cluster or of the EKS cluster'),
      nodeImage: z
        .string()
        .optional()
        .describe('the image of the kind nodes (default: kindest/node of versions.kubernetes)'),
      zones: z
        .array(z.string().min(1))
        .min(1)
        .default(['zone-a', 'zone-b', 'zone-c'])
        .describe('the zones of the kind cluster, with a worker in each'),
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
    .describe('the versions that kind and eks install; on every target a check fails where it finds another version'),
  domain: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a DNS domain')
    .optional()
    .describe(
      `the domain expected in Knative's config-domain (default of a stack that Plumbline installs: ${USUAL_DOMAIN})`,
    ),
  gateway: z
    .strictObject({
      namespace: z.string().default('istio-system'),
      service: z.string().default('istio-ingressgateway'),
    })
    .prefault({}),
  loadBalancer: z
    .strictObject({
      maker: z
        .enum(MAKERS)
        .optional()
        .describe('who makes the load balancer of the gateway, where the survey cannot tell (default: found out)'),
    })
    .prefault({}),
  nlb: z
    .strictObject({
      scheme: z.enum(['internal', 'internet-facing']).default('internal'),
      tls: z
        .enum(['gateway', 'acm'])
        .default('gateway')
        .describe('what terminates TLS: the gateway, or the load balancer with a certificate of ACM'),
    })
    .prefault({}),
  aws: z
    .strictObject({
      region: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-central-1')
        .optional()
        .describe('the AWS region (default: AWS_REGION, or the region in the kubeconfig)'),
      profile: z.string().min(1).optional().describe('a profile of the AWS configuration (default: AWS_PROFILE)'),
      endpoint: z.url().optional().describe('the URL of the APIs of a stand-in for AWS'),
      controller: z
        .strictObject({
          role: z
            .string()
            .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role')
            .optional()
            .describe('the IAM role to give to the AWS Load Balancer Controller where it has none'),
          identity: z
            .enum(['pod-identity', 'irsa'])
            .default('pod-identity')
            .describe(
              'how the controller gets its role: Pod Identity association, or annotation of its ServiceAccount',
            ),
          chart: z
            .string()
            .min(1)
            .default('aws-load-balancer-controller')
            .describe('the Helm chart: a name in https://aws.github.io/eks-charts, or the path of a folder or archive'),
          values: z
            .record(z.string(), z.unknown())
            .default({})
            .describe('Helm values that override those of Plumbline'),
        })
        .prefault({}),
    })
    .prefault({})
    .describe('how AWS is called; the credentials are those of the AWS tools'),
  dns: z
    .strictObject({
      servers: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe("DNS servers for the load balancer's name, as IP or IP:PORT (default: the resolver of this machine)"),
    })
    .prefault({}),
  addresses: z
    .strictObject({
      ingress: z
        .string()
        .optional()
        .describe('the address of the load balancer, where status.loadBalancer of the Service has another one'),
      ports: z
        .strictObject({ http: z.number().int().default(80), https: z.number().int().default(443) })
        .prefault({})
        .describe('the ports to use for 80 and 443 of the load balancer, behind a port forward for example'),
      pool: z
        .string()
        .optional()
        .describe("the MetalLB address pool on kind as FIRST-LAST (default: the end of Docker's network)"),
    })
    .prefault({}),
  observability: z
    .strictObject({
      prometheus: serviceAddress.describe('the Service of Prometheus; checks that query it are skipped without it'),
      loki: serviceAddress.describe('the Service of Loki; checks of collected logs are skipped without it'),
    })
    .prefault({}),
  acme: z
    .strictObject({
      issuer: z.string().min(1).describe('the ACME ClusterIssuer that a check orders a certificate from'),
      dnsName: z
        .string()
        .min(1)
        .describe('the DNS name to order, in a zone that the solver of the issuer may write to'),
    })
    .optional(),
  vantage: z
    .enum(['local', 'cluster'])
    .default('local')
    .describe('where HTTP requests start: on this machine, or in a pod in the cluster'),
  images: z
    .strictObject({
      node: z.string().default('docker.io/library/node:24-alpine'),
      nginx: z.string().default('docker.io/library/nginx:alpine'),
      onNodes: z
        .boolean()
        .optional()
        .describe('the images are on the nodes already and no registry is asked (default: true with a mirror)'),
    })
    .prefault({}),
  mirror: file
    .optional()
    .describe('a folder with COMPONENT.yaml for each component, used instead of the release pages'),
  load: z
    .strictObject({
      from: z
        .enum(['here', 'job'])
        .optional()
        .describe('where k6 runs: on this machine, or as a Job in the cluster (default: as vantage)'),
      image: z.string().min(1).default('docker.io/grafana/k6:1.8.1').describe('the image of the k6 Job'),
    })
    .prefault({}),
  budgets: budgetsSchema
    .prefault({})
    .describe('the budget of each fault: failed requests, and the longest gap without an answer'),
  deadlines: z.strictObject({ factor: z.number().positive().max(20).default(1) }).prefault({}),
})

/** A stack.yaml after it was read and validated, with all defaults. */
export type StackConfig = z.infer<typeof stackSchema>
