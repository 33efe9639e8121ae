import type { AwsPlace } from '../config/run-info.ts'
import { EC2Client } from '@aws-sdk/client-ec2'
import { EKSClient } from '@aws-sdk/client-eks'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { IAMClient } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { currentScope } from '../core/scope.ts'
import { trace } from '../core/trace.ts'
import { awsProblem } from './aws-problem.ts'

/** Each of these clients has a middleware that turns a refusal by AWS into a sentence. */
type Client = EC2Client | EKSClient | ElasticLoadBalancingV2Client | IAMClient | STSClient

/** What the SDK tells of a call beside its answer. */
interface AwsMetadata {
  httpStatusCode?: number
  attempts?: number
}

/**
 * AWS's APIs, with the credentials that the SDK finds (environment, profile, SSO, web identity, instance). The SDK
 * repeats throttled calls, slower each time (adaptive retries).
 * Every call throws NotAllowed where IAM denies it, and ClusterProblem for credentials, throttling and the network.
 */
export class Aws {
  readonly place: AwsPlace
  readonly #clients: Client[] = []
  #elb: ElasticLoadBalancingV2Client | undefined
  #eks: EKSClient | undefined
  #iam: IAMClient | undefined
  #ec2: EC2Client | undefined
  #sts: STSClient | undefined

  constructor(place: AwsPlace) {
    this.place = place
  }

  get elb(): ElasticLoadBalancingV2Client {
    return (this.#elb ??= this.#withPlainErrors(new ElasticLoadBalancingV2Client(this.#settings)))
  }

  get eks(): EKSClient {
    return (this.#eks ??= this.#withPlainErrors(new EKSClient(this.#settings)))
  }

  get iam(): IAMClient {
    return (this.#iam ??= this.#withPlainErrors(new IAMClient(this.#settings)))
  }

  get ec2(): EC2Client {
    return (this.#ec2 ??= this.#withPlainErrors(new EC2Client(this.#settings)))
  }

  get sts(): STSClient {
    return (this.#sts ??= this.#withPlainErrors(new STSClient(this.#settings)))
  }

  /** The ARN of the caller. Needs credentials and no permission, so it is called first. */
  async caller(): Promise<string> {
    const { Arn } = await this.sts.send(new GetCallerIdentityCommand({}))
    return Arn ?? 'unknown caller'
  }

  /** Closes the connections. */
  close(): void {
    for (const client of this.#clients) client.destroy()
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

  #withPlainErrors<C extends Client>(client: C): C {
    // One type stands for all five clients: their middleware stacks are alike in what is used here.
    const { middlewareStack } = client as unknown as STSClient
    middlewareStack.add(
      (next, { clientName, commandName }) =>
        async (args) => {
          const called = { client: clientName ?? '', command: commandName ?? '' }
          const started = performance.now()
          const traceCall = (about: AwsMetadata | undefined, error?: string) =>
            trace(currentScope()?.id, {
              ...{ type: 'call', api: 'aws', verb: called.command, path: `${called.client} ${this.place.region}` },
              ...{ status: about?.httpStatusCode, error, tries: about?.attempts ?? 1 },
              ms: performance.now() - started,
            })
          try {
            const result = await next(args)
            traceCall((result.output as { $metadata?: AwsMetadata }).$metadata)
            return result
          } catch (problem) {
            traceCall((problem as { $metadata?: AwsMetadata }).$metadata, String(problem))
            throw awsProblem(problem, called, this.place)
          }
        },
      { step: 'initialize', name: 'inPlainWords', priority: 'high' },
    )
    this.#clients.push(client)
    return client
  }
}
