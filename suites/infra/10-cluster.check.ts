import { componentVersions } from '../../src/stack/component-versions.ts'
import { check } from '../../src/check/check.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { supportOf, supportsKubernetes } from '../../src/config/supported-versions.ts'

check(
  'infra/kubernetes-version',
  {
    asserts: 'Kubernetes has a version that the installed Knative, Istio and cert-manager support',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Compare the version of the API server with the range in the message',
      'Upgrade Kubernetes into that range, or install a version of the component that supports this Kubernetes',
      'For Knative 1.9 use Kubernetes 1.24 or newer (the 1.23 of the guide is too old for it)',
    ],
  },
  async ({ stack, expect }) => {
    const version = await stack.serverVersion()
    const { kubernetes: wanted } = stack.config.expect.versions
    if (wanted) expect(isVersion(version, wanted)).toHold(otherVersion('Kubernetes', version, 'kubernetes', wanted))
    const installed = Object.entries(await componentVersions(stack))
    expect(installed.length, 'Installed components, of Knative, Istio and cert-manager').toBeGreaterThan(0)
    for (const [component, componentVersion] of installed) {
      const support = supportOf(component as 'knative', componentVersion)
      expect(supportsKubernetes(support, version)).toHold(
        `Kubernetes ${version} is not supported by ${component} ${componentVersion}, ` +
          `which supports ${support.kubernetes} (${support.source})`,
      )
    }
    const components = installed.map(([component, componentVersion]) => `${component} ${componentVersion}`)
    return `Kubernetes ${version} is supported by ${components.join(', ')}`
  },
)

check(
  'infra/oidc-issuer',
  {
    asserts: "the API server's OpenID discovery document names an https issuer and an https jwks_uri",
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl get --raw /.well-known/openid-configuration to see the document',
      'On EKS every cluster has an issuer: run aws eks describe-cluster --query cluster.identity.oidc.issuer',
      'On other clusters start kube-apiserver with --service-account-issuer set to an https URL',
    ],
  },
  async ({ stack, expect }) => {
    const document = await stack.k8s.json<{ issuer?: string; jwks_uri?: string }>('/.well-known/openid-configuration')
    expect(document.issuer ?? 'none', '/.well-known/openid-configuration, issuer').toMatch(/^https:\/\/[^/]+/)
    expect(document.jwks_uri ?? 'none', '/.well-known/openid-configuration, jwks_uri').toMatch(/^https:\/\//)
    return `OIDC issuer: ${document.issuer}`
  },
)

check(
  'infra/resource-metrics',
  {
    asserts: 'metrics.k8s.io has metrics for every node and for pods in knative-serving, as kubectl top shows them',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    requires: ['metrics'],
    remedy: [
      'Run kubectl get apiservice v1beta1.metrics.k8s.io and look at its Available condition',
      'Run kubectl -n kube-system logs deployment/metrics-server to see which nodes it cannot scrape',
      'Install metrics-server where it is missing (the HorizontalPodAutoscalers of activator and webhook need it)',
    ],
  },
  async ({ stack, expect }) => {
    const usage = async (path: string) =>
      (await stack.k8s.json<{ items: { metadata: { name: string } }[] }>(`/apis/metrics.k8s.io/v1beta1/${path}`)).items
    const nodes = (await stack.all('v1/Node')).map((node) => node.metadata?.name ?? '')
    const measured = new Set((await usage('nodes')).map((item) => item.metadata.name))
    expect(
      nodes.filter((node) => !measured.has(node)),
      'Nodes without metrics in metrics.k8s.io',
    ).toBeNone()
    const pods = await usage('namespaces/knative-serving/pods')
    expect(pods.length, 'Pods in namespace knative-serving with metrics in metrics.k8s.io').toBeGreaterThan(0)
    return `metrics.k8s.io has metrics for ${measured.size} nodes and ${pods.length} pods in knative-serving`
  },
)
