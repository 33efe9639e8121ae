import type { AwsPlace } from '../config/run-info.ts'
import { EC2Client } from '@aws-sdk/client-ec2'
import { EKSClient } from '@aws-sdk/client-eks'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { IAMClient } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { currentScope } from '../core/scope.ts'
import { trace } from '../core/trace.ts'
import { awsProblem } from './aws-problem.ts'

/** Every one of these clients has a middleware that turns what AWS refuses into a sentence. */
type Client = EC2Client | EKSClient | ElasticLoadBalancingV2Client | IAMClient | STSClient

/** What the SDK tells of a call beside its answer. */
interface AwsMetadata {
  httpStatusCode?: number
  attempts?: number
}

/**
 * AWS's APIs, asked with the SDK's own chain of credentials (environment, profile, SSO, web identity, instance). Throttled calls are
 * tried again by the SDK, slower with each refusal (adaptive retries).
 * Every call throws NotAllowed where IAM refuses it, and ClusterProblem for credentials, throttling and the network.
 */
export class Aws {
  readonly place: AwsPlace
  readonly #made: Client[] = []
  #elb: ElasticLoadBalancingV2Client | undefined
  #eks: EKSClient | undefined
  #iam: IAMClient | undefined
  #ec2: EC2Client | undefined
  #sts: STSClient | undefined

  constructor(place: AwsPlace) {
    this.place = place
  }

  get elb(): ElasticLoadBalancingV2Client {
    return (this.#elb ??= this.#ready(new ElasticLoadBalancingV2Client(this.#settings)))
  }

  get eks(): EKSClient {
    return (this.#eks ??= this.#ready(new EKSClient(this.#settings)))
  }

  get iam(): IAMClient {
    return (this.#iam ??= this.#ready(new IAMClient(this.#settings)))
  }

  get ec2(): EC2Client {
    return (this.#ec2 ??= this.#ready(new EC2Client(this.#settings)))
  }

  get sts(): STSClient {
    return (this.#sts ??= this.#ready(new STSClient(this.#settings)))
  }

  /** Who asks, as an ARN: what every call needs, and what says first that there are no credentials. */
  async caller(): Promise<string> {
    const { Arn } = await this.sts.send(new GetCallerIdentityCommand({}))
    return Arn ?? 'an unnamed caller'
  }

  /** Ends its connections. */
  close(): void {
    for (const client of this.#made) client.destroy()
  }

  get #settings() {
    const { region, profile, endpoint } = this.place
    return {
      region,
      ...(profile ? { profile } : {}),
      ...(endpoint ? { endpoint } : {}),
      retryMode: 'adaptive',
      maxAttempts: 6,
    }
  }

  #ready<C extends Client>(client: C): C {
    // One type for five clients: their stacks differ in nothing that this uses.
    const { middlewareStack } = client as unknown as STSClient
    middlewareStack.add(
      (next, { clientName, commandName }) =>
        async (given) => {
          const called = { client: clientName ?? '', command: commandName ?? '' }
          const started = performance.now()
          const traceCall = (about: AwsMetadata | undefined, error?: string) =>
            trace(currentScope()?.id, {
              ...{ type: 'call', api: 'aws', verb: called.command, path: `${called.client} ${this.place.region}` },
              ...{ status: about?.httpStatusCode, error, tries: about?.attempts ?? 1 },
              ms: performance.now() - started,
            })
          try {
            const result = await next(given)
            traceCall((result.output as { $metadata?: AwsMetadata }).$metadata)
            return result
          } catch (problem) {
            traceCall((problem as { $metadata?: AwsMetadata }).$metadata, String(problem))
            throw awsProblem(problem, called, this.place)
          }
        },
      { step: 'initialize', name: 'inPlainWords', priority: 'high' },
    )
    this.#made.push(client)
    return client
  }
}
