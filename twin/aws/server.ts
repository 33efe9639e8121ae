import { ACCOUNT, CLUSTER } from './place.ts'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { XMLBuilder } from 'fast-xml-parser'
import { readText } from '../api/http-answer.ts'
import { type Cloud } from './cloud.ts'

const xml = new XMLBuilder({ ignoreAttributes: false })

/** A refusal as AWS answers it. */
class AwsProblem extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** Lists of the query protocol are of members, those of EC2 of items. */
const members = <T>(list: readonly T[], name = 'member'): object => ({ [name]: list })

type Parameters = URLSearchParams
const listOf = (parameters: Parameters, name: string): string[] =>
  [...parameters].filter(([key]) => key.startsWith(`${name}.`)).map(([, value]) => value)

/** The AWS APIs that checks read: ELBv2, EKS, IAM, EC2's subnets and STS. It takes any credentials, but not none. */
export const awsServer = (cloud: Cloud): Server =>
  http.createServer((request, response) => {
    answer(cloud, request, response).catch((problem: unknown) => refuse(response, problem))
  })

async function answer(cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!/Credential=/.test(request.headers.authorization ?? ''))
    throw new AwsProblem(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
  const url = new URL(request.url ?? '/', 'http://aws')
  if (url.pathname.startsWith('/clusters')) return answerEks(cloud, request, response, url)
  const parameters = new URLSearchParams(await readText(request))
  const action = parameters.get('Action') ?? ''
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([a-z0-9-]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? ''
  authorize(cloud, `${service}:${action}`)
  const perform = ACTIONS[action]
  if (!perform) throw new AwsProblem(400, 'InvalidAction', `The twin does not know the action ${action}.`)
  const body = perform(cloud, parameters)
  const result = action.startsWith('DescribeSubnets') ? body : { [`${action}Result`]: body }
  response.writeHead(200, { 'content-type': 'text/xml' })
  response.end(xml.build({ [`${action}Response`]: { ...result, ResponseMetadata: { RequestId: 'twin' } } }))
}

/** Notes that an action, SERVICE:ACTION, was called. IAM allows every action. */
function authorize(cloud: Cloud, action: string): void {
  cloud.called.add(action)
  const refusal = cloud.hooks.refusal.apply(undefined, { action })
  if (refusal) throw new AwsProblem(refusal.status, refusal.code, refusal.message)
}

// Which action a call of EKS is, by its method and what its path names below the cluster.
const EKS_ACTIONS: Record<string, string> = {
  'GET ': 'ListClusters',
  'GET cluster': 'DescribeCluster',
  'GET node-groups': 'ListNodegroups',
  'GET node-groups/': 'DescribeNodegroup',
  'GET pod-identity-associations': 'ListPodIdentityAssociations',
  'GET pod-identity-associations/': 'DescribePodIdentityAssociation',
  'POST pod-identity-associations': 'CreatePodIdentityAssociation',
  'DELETE pod-identity-associations/': 'DeletePodIdentityAssociation',
}

async function answerEks(cloud: Cloud, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const [, name, what, item] = url.pathname.split('/').filter(Boolean)
  const key = `${request.method} ${what ? `${what}${item ? '/' : ''}` : name ? 'cluster' : ''}`
  authorize(cloud, `eks:${EKS_ACTIONS[key] ?? key}`)
  const body = request.method === 'POST' ? (JSON.parse(await readText(request)) as Record<string, string>) : {}
  json(response, 200, eks(cloud, { method: request.method ?? 'GET', name, what, item, query: url.searchParams, body }))
}

interface EksCall {
  method: string
  name: string | undefined
  what: string | undefined
  item: string | undefined
  query: URLSearchParams
  body: Record<string, string>
}

function json(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function eks(cloud: Cloud, { method, name, what, item, query, body }: EksCall): object {
  if (!name) return { clusters: [CLUSTER] }
  const cluster = cloud.cluster(name)
  if (!cluster) throw new AwsProblem(404, 'ResourceNotFoundException', `No cluster found for name: ${name}.`)
  if (!what) return { cluster }
  if (what === 'node-groups') return item ? { nodegroup: cloud.nodegroup() } : { nodegroups: ['workers'] }
  if (what !== 'pod-identity-associations') throw new AwsProblem(404, 'NotFoundException', `${name}/${what}`)
  if (method === 'POST') {
    const { namespace = '', serviceAccount = '', roleArn = '' } = body
    const associationId = `a-${cloud.associations.size + 1}twin`
    const tags = body.tags ?? {}
    cloud.associations.set(associationId, { associationId, namespace, serviceAccount, roleArn, tags })
    return { association: cloud.associations.get(associationId) }
  }
  if (!item) {
    const is = (key: 'namespace' | 'serviceAccount', value: string) => (query.get(key) ?? value) === value
    return {
      associations: [...cloud.associations.values()].filter(
        ({ namespace, serviceAccount }) => is('namespace', namespace) && is('serviceAccount', serviceAccount),
      ),
    }
  }
  const association = cloud.associations.get(item)
  if (!association) throw new AwsProblem(404, 'ResourceNotFoundException', `No association found for id: ${item}.`)
  if (method === 'DELETE') cloud.associations.delete(item)
  return { association }
}

/** The load balancer that a request is about. */
function loadBalancer(cloud: Cloud, parameters: Parameters) {
  const arn = parameters.get('LoadBalancerArn') ?? ''
  const found = cloud.loadBalancers().find((each) => each.LoadBalancerArn === arn)
  if (!found) throw new AwsProblem(400, 'LoadBalancerNotFound', `One or more load balancers not found`)
  return found
}

const POLICIES = ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryReadOnly', 'AmazonEKS_CNI_Policy']

const ACTIONS: Record<string, (cloud: Cloud, parameters: Parameters) => object> = {
  DescribeLoadBalancers(cloud, parameters) {
    const [arns, names] = [listOf(parameters, 'LoadBalancerArns'), listOf(parameters, 'Names')]
    const found = cloud
      .loadBalancers()
      .filter(
        (each) =>
          (!arns.length || arns.includes(each.LoadBalancerArn)) &&
          (!names.length || names.includes(each.LoadBalancerName)),
      )
    if (found.length < Math.max(arns.length, names.length))
      throw new AwsProblem(400, 'LoadBalancerNotFound', 'One or more load balancers not found')
    return {
      LoadBalancers: members(
        found.map(({ service: _, AvailabilityZones, ...each }) => ({
          ...each,
          AvailabilityZones: members(AvailabilityZones as object[]),
        })),
      ),
    }
  },
  DescribeLoadBalancerAttributes: (cloud, parameters) => ({
    Attributes: members(cloud.attributes(loadBalancer(cloud, parameters).LoadBalancerArn)),
  }),
  ModifyLoadBalancerAttributes(cloud, parameters) {
    const { LoadBalancerArn } = loadBalancer(cloud, parameters)
    for (let at = 1; parameters.has(`Attributes.member.${at}.Key`); at++) {
      cloud.setAttributes(LoadBalancerArn, {
        [parameters.get(`Attributes.member.${at}.Key`) ?? '']: parameters.get(`Attributes.member.${at}.Value`) ?? '',
      })
    }
    return { Attributes: members(cloud.attributes(LoadBalancerArn)) }
  },
  DescribeListeners: (cloud, parameters) => ({
    Listeners: members(
      cloud
        .listeners(loadBalancer(cloud, parameters).LoadBalancerArn)
        .map(({ service: _, TargetGroupArn, ...each }) => ({
          ...each,
          DefaultActions: members([{ Type: 'forward', TargetGroupArn }]),
        })),
    ),
  }),
  DescribeTargetGroups: (cloud, parameters) => ({
    TargetGroups: members(
      cloud
        .listeners(loadBalancer(cloud, parameters).LoadBalancerArn)
        .map(({ TargetGroupArn, Port, LoadBalancerArn }) => ({
          TargetGroupArn,
          TargetGroupName: TargetGroupArn.split('/')[1],
          Port,
          Protocol: 'TCP',
          TargetType: 'ip',
          LoadBalancerArns: members([LoadBalancerArn]),
        })),
    ),
  }),
  DescribeTargetHealth: (cloud, parameters) => ({
    TargetHealthDescriptions: members(cloud.targets(parameters.get('TargetGroupArn') ?? '')),
  }),
  DescribeTags: (cloud, parameters) => ({
    TagDescriptions: members(
      listOf(parameters, 'ResourceArns').map((ResourceArn) => ({
        ResourceArn,
        Tags: members([
          { Key: 'elbv2.k8s.aws/cluster', Value: CLUSTER },
          { Key: 'service.k8s.aws/stack', Value: cloud.stackOf(ResourceArn) },
        ]),
      })),
    ),
  }),
  GetCallerIdentity: () => ({ UserId: 'twin', Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/twin` }),
  ListOpenIDConnectProviders: (cloud) => ({
    OpenIDConnectProviderList: members(
      cloud.hooks.oidcIssuers
        .apply([cloud.issuer])
        .map((issuer) => ({ Arn: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuer.replace('https://', '')}` })),
    ),
  }),
  ListAttachedRolePolicies: (cloud) => ({
    AttachedPolicies: members(
      cloud.hooks.nodePolicies.apply(POLICIES).map((PolicyName) => ({
        PolicyName,
        PolicyArn: `arn:aws:iam::aws:policy/${PolicyName}`,
      })),
    ),
    IsTruncated: false,
  }),
  DescribeSubnets: (cloud) => ({
    subnetSet: members(
      cloud.subnets().map(({ SubnetId, AvailabilityZone, VpcId, Tags }) => ({
        subnetId: SubnetId,
        availabilityZone: AvailabilityZone,
        vpcId: VpcId,
        state: 'available',
        tagSet: members(
          Tags.map(({ Key, Value }) => ({ key: Key, value: Value })),
          'item',
        ),
      })),
      'item',
    ),
  }),
}

function refuse(response: ServerResponse, problem: unknown): void {
  const { status, code, message } =
    problem instanceof AwsProblem ? problem : new AwsProblem(500, 'InternalFailure', String(problem))
  // The shape tells the two protocols apart: EKS speaks JSON, with the code in a header.
  if (response.req.url?.startsWith('/clusters')) {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': code })
    return void response.end(JSON.stringify({ message }))
  }
  response.writeHead(status, { 'content-type': 'text/xml' })
  response.end(
    xml.build({ ErrorResponse: { Error: { Type: 'Sender', Code: code, Message: message }, RequestId: 'twin' } }),
  )
}
