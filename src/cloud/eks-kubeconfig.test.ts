import { KubeConfig } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { eksOf } from './eks-kubeconfig.ts'

const ARN = 'arn:aws:eks:eu-central-1:123456789012:cluster/prod'
const SERVER = 'https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com'

function kubeconfig(cluster: string, server: string, exec?: { command: string; args: string[] }): KubeConfig {
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: cluster, server }],
    users: [{ name: 'u', ...(exec ? { exec: { apiVersion: 'client.authentication.k8s.io/v1', ...exec } } : {}) }],
    contexts: [{ name: 'c', cluster, user: 'u' }],
    currentContext: 'c',
  })
  return config
}

describe('a kubeconfig of EKS is known', () => {
  test.each([
    [
      'as aws eks update-kubeconfig writes it',
      kubeconfig(ARN, SERVER, {
        command: 'aws',
        args: ['--region', 'eu-central-1', 'eks', 'get-token', '--cluster-name', 'prod'],
      }),
      { isEks: true, cluster: 'prod', region: 'eu-central-1' },
    ],
    [
      "by aws-iam-authenticator's flag",
      kubeconfig('prod', SERVER, { command: 'aws-iam-authenticator', args: ['token', '-i', 'prod'] }),
      { isEks: true, cluster: 'prod', region: 'eu-central-1' },
    ],
    [
      "by the ARN alone, where the endpoint is a tunnel's",
      kubeconfig(ARN, 'https://127.0.0.1:8443'),
      { isEks: true, cluster: 'prod', region: 'eu-central-1' },
    ],
    [
      'by the endpoint alone, which does not name the cluster',
      kubeconfig('c', SERVER),
      { isEks: true, region: 'eu-central-1' },
    ],
    [
      'by the exec plugin alone',
      kubeconfig('c', 'https://10.0.0.1', { command: 'aws', args: ['eks', 'get-token', '--cluster-name', 'prod'] }),
      { isEks: true, cluster: 'prod' },
    ],
    ['and any other is none', kubeconfig('kind', 'https://127.0.0.1:6443'), { isEks: false }],
  ])('%s', (_, config, expected) => {
    expect(eksOf(config)).toEqual(expected)
  })
})
