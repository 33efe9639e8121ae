import { check } from '../../src/check/check.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { supportOf, supportsKubernetes, type Support } from '../../src/config/supported-versions.ts'
import { NotLookedAt } from '../../src/core/problem.ts'
import { nodesOf } from '../../src/cluster/workers.ts'
import { componentVersions } from '../../src/survey/component-versions.ts'
import { knativeNamespace } from '../../src/survey/surveyed.ts'
import { counted } from '../../src/core/counted.ts'

/** The components whose supported Kubernetes is known, by their names in stack.yaml. */
const SUPPORTED: readonly Support['component'][] = ['knative', 'istio', 'cert-manager']

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
    const versions = componentVersions(await stack.survey())
    const known = SUPPORTED.filter((component) => versions[component])
    if (known.length === 0)
      throw new NotLookedAt('The version of no component (Knative, Istio, cert-manager) is known.')
    for (const component of known) {
      const support = supportOf(component, versions[component]!)
      expect(supportsKubernetes(support, version)).toHold(
        `Kubernetes ${version} is not supported by ${component} ${versions[component]}, ` +
          `which supports ${support.kubernetes} (${support.source})`,
      )
    }
    const unknown = SUPPORTED.filter((component) => !versions[component])
    const rest = unknown.length ? `; the version of ${unknown.join(' and ')} is not known` : ''
    return `Kubernetes ${version} is supported by ${known.map((each) => `${each} ${versions[each]}`).join(', ')}${rest}`
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
    asserts: "metrics.k8s.io has metrics for every node that is up and for Knative's pods, as kubectl top shows them",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    requires: ['metrics'],
    remedy: [
      'Run kubectl get apiservice v1beta1.metrics.k8s.io and look at its Available condition',
      'Read the log of the Deployment behind that APIService (metrics-server) to see which nodes it cannot scrape',
      'Install metrics-server where it is missing (the HorizontalPodAutoscalers of activator and webhook need it)',
    ],
  },
  async ({ stack, expect }) => {
    const usage = async (path: string) =>
      (await stack.k8s.json<{ items: { metadata: { name: string } }[] }>(`/apis/metrics.k8s.io/v1beta1/${path}`)).items
    const namespace = await knativeNamespace(stack)
    // A node of Fargate has one pod, and a virtual one no kubelet: neither is asked.
    const nodes = (await nodesOf(stack)).filter(
      ({ state, life }) => state === 'ready' && life !== 'fargate' && life !== 'virtual',
    )
    let pods = 0
    // What came a moment ago is measured with the next scrape.
    await stack.eventually(
      'metrics in metrics.k8s.io',
      async () => {
        const measured = new Set((await usage('nodes')).map(({ metadata }) => metadata.name))
        const without = nodes.flatMap(({ name }) => (measured.has(name) ? [] : name))
        if (without.length > 0) return `nodes without metrics: ${without.join(', ')}`
        pods = (await usage(`namespaces/${namespace}/pods`)).length
        return pods === 0 ? `no pod in namespace ${namespace} has metrics` : undefined
      },
      'scraped',
    )
    expect(pods, `Pods in namespace ${namespace} with metrics in metrics.k8s.io`).toBeGreaterThan(0)
    return `metrics.k8s.io has metrics for ${counted(nodes.length, 'node')} and ${counted(pods, 'pod')} in ${namespace}`
  },
)
