import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2'
import {
  CreatePodIdentityAssociationCommand,
  DeletePodIdentityAssociationCommand,
  DescribeClusterCommand,
  EKSClient,
  ListPodIdentityAssociationsCommand,
} from '@aws-sdk/client-eks'
import {
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { IAMClient, ListAttachedRolePoliciesCommand, ListOpenIDConnectProvidersCommand } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testTwin } from '../../test/start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } }
beforeAll(async () => {
  on = await testTwin('aws')
  config = {
    endpoint: on.twin.awsEndpoint ?? '',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'twin', secretAccessKey: 'twin' },
  }
})
afterAll(() => on.stop())

describe("AWS's SDKs against the twin", () => {
  test('find the load balancer by the hostname of the Service, as its annotations ask for it', async () => {
    const elb = new ElasticLoadBalancingV2Client(config)
    const { body } = await on.call('GET', '/api/v1/namespaces/istio-system/services/istio-ingressgateway')
    const hostname: string = body.status.loadBalancer.ingress[0].hostname
    expect(hostname).toMatch(/^k8s-istiosys-istioing-[0-9a-f]{10}-[0-9a-f]{16}\.elb\.eu-west-1\.amazonaws\.com$/)
    const { LoadBalancers = [] } = await elb.send(new DescribeLoadBalancersCommand({}))
    const found = LoadBalancers.find(({ DNSName }) => DNSName === hostname)
    expect(found).toMatchObject({ Type: 'network', Scheme: 'internal', State: { Code: 'active' } })
    expect(found?.AvailabilityZones?.map(({ ZoneName }) => ZoneName)).toEqual(['zone-a', 'zone-b'])
    const arn = { LoadBalancerArn: found?.LoadBalancerArn }
    const crossZone = async () => {
      const { Attributes = [] } = await elb.send(new DescribeLoadBalancerAttributesCommand(arn))
      return Attributes.find(({ Key }) => Key === 'load_balancing.cross_zone.enabled')?.Value
    }
    expect(await crossZone()).toBe('true')
    const off = [{ Key: 'load_balancing.cross_zone.enabled', Value: 'false' }]
    await elb.send(new ModifyLoadBalancerAttributesCommand({ ...arn, Attributes: off }))
    expect(await crossZone()).toBe('false')
    const { Listeners = [] } = await elb.send(new DescribeListenersCommand(arn))
    expect(Listeners.map(({ Port }) => Port)).toEqual([15021, 80, 443])
    const health = async (port: number) => {
      const action = Listeners.find(({ Port }) => Port === port)?.DefaultActions?.[0]
      const { TargetHealthDescriptions = [] } = await elb.send(
        new DescribeTargetHealthCommand({ TargetGroupArn: action?.TargetGroupArn }),
      )
      return TargetHealthDescriptions.map(({ TargetHealth }) => TargetHealth?.State)
    }
    expect(await health(80)).toEqual(['healthy', 'healthy', 'healthy'])
    // No Gateway has a TLS server yet, so that no gateway listens for 443.
    expect(await health(443)).toEqual(['unhealthy', 'unhealthy', 'unhealthy'])
    const { TagDescriptions } = await elb.send(new DescribeTagsCommand({ ResourceArns: [arn.LoadBalancerArn ?? ''] }))
    expect(TagDescriptions?.[0]?.Tags).toContainEqual({ Key: 'elbv2.k8s.aws/cluster', Value: 'plumbline' })
    await expect(elb.send(new DescribeLoadBalancersCommand({ Names: ['nowhere'] }))).rejects.toThrow(/not found/)
  })

  test('read the cluster, its identity provider, its roles, its subnets, and who asks', async () => {
    const eks = new EKSClient(config)
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: 'plumbline' }))
    const issuer = cluster?.identity?.oidc?.issuer ?? ''
    expect(issuer).toMatch(/^https:\/\/oidc\.eks\.eu-west-1\.amazonaws\.com\/id\/[0-9A-F]{32}$/)
    await expect(eks.send(new DescribeClusterCommand({ name: 'other' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    const of = { clusterName: 'plumbline', namespace: 'kube-system', serviceAccount: 'controller' }
    const roleArn = 'arn:aws:iam::000000000000:role/controller'
    const { association } = await eks.send(new CreatePodIdentityAssociationCommand({ ...of, roleArn }))
    const listed = async () => (await eks.send(new ListPodIdentityAssociationsCommand(of))).associations ?? []
    expect(await listed()).toMatchObject([{ serviceAccount: 'controller' }])
    const associationId = association?.associationId
    await eks.send(new DeletePodIdentityAssociationCommand({ clusterName: 'plumbline', associationId }))
    expect(await listed()).toEqual([])
    const iam = new IAMClient(config)
    const { OpenIDConnectProviderList } = await iam.send(new ListOpenIDConnectProvidersCommand({}))
    expect(OpenIDConnectProviderList?.[0]?.Arn).toContain(issuer.replace('https://', ''))
    const { AttachedPolicies = [] } = await iam.send(
      new ListAttachedRolePoliciesCommand({ RoleName: 'plumbline-workers' }),
    )
    expect(AttachedPolicies.map(({ PolicyName }) => PolicyName)).toContain('AmazonEKSWorkerNodePolicy')
    const { Subnets = [] } = await new EC2Client(config).send(new DescribeSubnetsCommand({}))
    expect(Subnets.map(({ AvailabilityZone }) => AvailabilityZone)).toEqual(['zone-a', 'zone-b'])
    expect(Subnets[0]?.Tags).toContainEqual({ Key: 'kubernetes.io/role/internal-elb', Value: '1' })
    expect((await new STSClient(config).send(new GetCallerIdentityCommand({}))).Account).toBe('000000000000')
    expect(
      (await request(`${config.endpoint}/`, { method: 'POST', body: 'Action=GetCallerIdentity' })).statusCode,
    ).toBe(403)
  })
})
