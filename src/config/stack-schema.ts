import { z } from 'zod'
import { bringSchema } from './bring-schema.ts'
import { budgetsSchema } from './budgets-schema.ts'
import { expectSchema } from './expect-schema.ts'
import { MAKERS } from './load-balancer-makers.ts'
import { oursSchema } from './ours-schema.ts'
import { waiverSchema, type Waiver } from './waiver-schema.ts'

const serviceAddress = z
  .string()
  .regex(/^[a-z0-9-]+\/[a-z0-9-]+:[a-z0-9-]+$/, 'NAMESPACE/NAME:PORT of a Service')
  .optional()
const file = z.string().min(1)
const name = z.string().min(1)

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
    })
    .prefault({}),
  bring: bringSchema.prefault({}).describe('what kind, eks and twin install; existing installs nothing'),
  expect: expectSchema
    .prefault({})
    .describe('what must be found; what bring installs is expected too, and what is not said is not asserted'),
  gateway: z
    .strictObject({
      namespace: name.optional().describe("the namespace of the gateway's Service (default: found out)"),
      service: name.optional().describe('the Service of the gateway that carries our requests (default: found out)'),
    })
    .prefault({}),
  istio: z
    .strictObject({
      istiod: z
        .strictObject({
          namespace: name.optional().describe('the namespace of the istiod to certify (default: found out)'),
          revision: name
            .optional()
            .describe('the revision of the istiod to certify (default: of the one that configures the gateway)'),
        })
        .prefault({}),
    })
    .prefault({}),
  knative: z
    .strictObject({ namespace: name.optional().describe('the namespace of Knative Serving (default: found out)') })
    .prefault({}),
  certManager: z
    .strictObject({ namespace: name.optional().describe('the namespace of cert-manager (default: found out)') })
    .prefault({}),
  loadBalancer: z
    .strictObject({
      maker: z.enum(MAKERS).optional().describe("what makes the gateway's load balancer (default: found out)"),
    })
    .prefault({}),
  ours: oursSchema.prefault({}).describe('what our own namespaces, objects and requests need on a strict cluster'),
  waive: z.array(waiverSchema).default([]).describe('findings that are accepted, each with a reason and an end'),
  aws: z
    .strictObject({
      region: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-central-1')
        .optional()
        .describe('the AWS region (default: AWS_REGION, or the region in the kubeconfig)'),
      profile: z.string().min(1).optional().describe('a profile of the AWS configuration (default: AWS_PROFILE)'),
      endpoint: z.url().optional().describe('the URL of the APIs of a stand-in for AWS'),
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
        .strictObject({
          http: z
            .int()
            .optional()
            .describe("the load balancer's port for HTTP, behind a port forward for example (default: the Service's)"),
          https: z.int().optional().describe("the load balancer's port for HTTPS (default: the Service's)"),
        })
        .prefault({}),
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
      node: z
        .string()
        .default('docker.io/library/node:24-alpine')
        .describe('the image of the workload and of the pod that sends requests in the cluster'),
      nginx: z.string().default('docker.io/library/nginx:alpine').describe('the image of a plain web server'),
      onNodes: z
        .boolean()
        .optional()
        .describe('the images are on the nodes already and no registry is asked (default: true with bring.mirror)'),
    })
    .prefault({}),
  load: z
    .strictObject({
      from: z
        .enum(['here', 'job'])
        .optional()
        .describe('where k6 runs: on this machine, or as a Job in the cluster (default: as vantage)'),
      image: z.string().min(1).default('docker.io/grafana/k6:1.8.1').describe('the image of the k6 Job'),
    })
    .prefault({}),
  budgets: budgetsSchema.prefault({}),
  chaos: z
    .strictObject({
      nodes: z.int().min(1).default(3).describe('at most how many nodes are drained, chosen to cover the zones'),
      mayEvict: z
        .array(z.string().regex(/^[a-z0-9-]+\/([a-z0-9.-]+|\*)$/, 'NAMESPACE/NAME, or NAMESPACE/*'))
        .default([])
        .describe(
          'NAMESPACE/NAME (or NAMESPACE/*) of workloads and lone pods that a drain may evict though they lose by it: ' +
            'StatefulSets, Jobs, pods with emptyDir data, pods that nothing owns',
        ),
    })
    .prefault({})
    .describe('what a fault may touch'),
  deadlines: z
    .strictObject({
      factor: z
        .number()
        .positive()
        .max(20)
        .default(1)
        .describe('multiplies every deadline; above 1 for a slow cluster'),
    })
    .prefault({}),
})

/** A stack.yaml after it was read and validated, with all defaults. */
export type StackConfig = Omit<z.infer<typeof stackSchema>, 'waive'> & { waive: Waiver[] }
