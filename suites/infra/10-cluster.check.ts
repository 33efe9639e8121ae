import { componentVersions } from '../../src/stack/component-versions.ts'
import { check } from '../../src/check/check.ts'
import { oldestKubernetes, plainVersion, supportOf, supportsKubernetes } from '../../src/config/supported-versions.ts'

check(
  'infra/kubernetes-version',
  {
    asserts: 'the server version is in the range that the installed Knative, Istio and cert-manager support',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy:
      'bring Kubernetes into the range, or install a version of the component that supports it; Knative 1.9 needs 1.24, not the 1.23 of the guide',
  },
  async ({ stack, expect }) => {
    const version = await stack.serverVersion()
    const { kubernetes: wanted } = stack.config.versions
    if (wanted) expect(plainVersion(version), 'version of Kubernetes, against stack.yaml').toBe(plainVersion(wanted))
    const installed = await componentVersions(stack)
    const rows = Object.entries(installed).map(([component, found]) => {
      const row = supportOf(component as 'knative', found)
      expect(
        supportsKubernetes(row, version),
        `Kubernetes ${version} in the range ${row.kubernetes} of ${component} ${found} (${row.source})`,
      ).toBe(true)
      return `${component} ${found} needs ${oldestKubernetes(row)}`
    })
    expect(rows.length, 'components found whose supported range is known').toBeGreaterThan(0)
    return `Kubernetes ${version}; ${rows.join(', ')}`
  },
)

check(
  'infra/oidc-issuer',
  {
    asserts: "the cluster has an OIDC issuer: the API server's discovery document answers with an https issuer",
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy:
      'on EKS the issuer comes with the cluster; elsewhere set --service-account-issuer of the API server to an https URL',
  },
  async ({ stack, expect }) => {
    const document = await stack.k8s.json<{ issuer?: string; jwks_uri?: string }>('/.well-known/openid-configuration')
    expect(document.issuer ?? 'none', 'issuer in /.well-known/openid-configuration').toMatch(/^https:\/\/[^/]+/)
    expect(document.jwks_uri ?? 'none', 'jwks_uri in /.well-known/openid-configuration').toMatch(/^https:\/\//)
    return `issuer ${document.issuer}`
  },
)

check(
  'infra/resource-metrics',
  {
    asserts: 'metrics.k8s.io answers for nodes and for pods of knative-serving (what kubectl top shows)',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    requires: ['metrics'],
    remedy:
      'install metrics-server; EKS does not bring it, and the autoscalers of the activator and the webhook need it too',
  },
  async ({ stack, expect }) => {
    const usage = async (path: string) =>
      (await stack.k8s.json<{ items: { metadata: { name: string } }[] }>(`/apis/metrics.k8s.io/v1beta1/${path}`)).items
    const nodes = (await stack.all('v1/Node')).map((node) => node.metadata?.name)
    const measured = (await usage('nodes')).map((item) => item.metadata.name)
    expect(measured, 'nodes that metrics.k8s.io measures').toEqual(expect.arrayContaining(nodes))
    const pods = await usage('namespaces/knative-serving/pods')
    expect(pods.length, 'pods of knative-serving that metrics.k8s.io measures').toBeGreaterThan(0)
    return `${measured.length} nodes and ${pods.length} pods of knative-serving are measured`
  },
)
