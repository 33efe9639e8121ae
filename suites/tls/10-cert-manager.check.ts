import { check } from '../../src/check/check.ts'
import { lastingTroubles } from '../../src/cluster/lasting.ts'
import { valueOf } from '../../src/survey/fact.ts'
import { theCertManager } from '../../src/survey/surveyed.ts'
import { chainTroubles, dateTroubles } from '../../src/traffic/certificates.ts'
import { deploymentTroubles } from '../../src/kube/pods.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { compareMinors } from '../../src/config/supported-versions.ts'

const CRDS = [
  'certificaterequests.cert-manager.io',
  'certificates.cert-manager.io',
  'challenges.acme.cert-manager.io',
  'clusterissuers.cert-manager.io',
  'issuers.cert-manager.io',
  'orders.acme.cert-manager.io',
]

check(
  'tls/cert-manager-ready',
  {
    asserts:
      'cert-manager is 1.12 or newer, its Deployments are available, its CRDs are Established, ' +
      'and its webhooks have a CA bundle and ready endpoints',
    guide: '5',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Install cert-manager 1.12 or newer with kubectl apply -f cert-manager.yaml',
      "Find the pod that is not Ready with kubectl get pods in cert-manager's namespace",
    ],
  },
  async ({ stack, expect }) => {
    const { namespace, components, version: told } = await theCertManager(stack)
    const names = Object.values(components).map(({ name }) => name)
    expect('controller' in components).toHold(`Namespace ${namespace}: no Deployment of cert-manager's controller`)
    const troubles = await lastingTroubles(stack, { kind: 'apps/v1/Deployment', namespace }, (deployments) =>
      deployments.filter(({ metadata }) => names.includes(metadata?.name ?? '')).flatMap(deploymentTroubles),
    )
    expect(troubles, 'Deployments of cert-manager that are not available').toBeNone()
    const version = valueOf(told)
    expect(compareMinors(version, '1.12') >= 0).toHold(`cert-manager is ${version}, at least 1.12 is expected`)
    const wanted = stack.config.expect.versions['cert-manager']
    if (wanted) expect(isVersion(version, wanted)).toHold(otherVersion('cert-manager', version, 'cert-manager', wanted))
    const crds = await stack.all('apiextensions.k8s.io/v1/CustomResourceDefinition')
    const missing = CRDS.filter(
      (name) =>
        !crds
          .find(({ metadata }) => metadata?.name === name)
          ?.status?.conditions?.some(
            (condition: { type: string; status: string }) =>
              condition.type === 'Established' && condition.status === 'True',
          ),
    )
    expect(missing, 'CRDs of cert-manager that are missing or not Established').toBeNone()
    const { webhooks, troubles: uncallable } = await stack.webhooks.readiness(
      ({ service }) => service.namespace === namespace,
    )
    expect(webhooks, `Admission webhooks that call a Service in namespace ${namespace}`).toBeGreaterThan(0)
    expect(uncallable, "cert-manager's admission webhooks that cannot be called").toBeNone()
    const parts = `${names.length} Deployments, ${CRDS.length} CRDs and ${webhooks} webhooks`
    return `${parts} of cert-manager ${version} are ready`
  },
)

check(
  'tls/issuer-ready',
  {
    asserts:
      'a ClusterIssuer with a CA Secret (keys tls.crt and tls.key) where cert-manager looks it up is Ready, ' +
      "and one with Istio's istio-ca-secret is not",
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/cert-manager-ready'],
    remedy: [
      'Create the CA Secret where --cluster-resource-namespace says: a ClusterIssuer reads no other namespace',
      'Name its keys tls.crt and tls.key, not ca-cert.pem and ca-key.pem as in istio-system/istio-ca-secret',
    ],
  },
  async ({ stack, expect }) => {
    const { issuer } = await stack.certManager.authority()
    const namespace = await stack.namespace('issuer')
    const secretName = await stack.certManager.createSecretWithIstioKeys(namespace)
    const [missingSecret, otherKeys] = await Promise.all([
      stack.certManager.refusalOf({ secretName: 'istio-ca-secret' }),
      stack.certManager.refusalOf({ namespace, secretName }),
    ])
    expect(missingSecret, 'ClusterIssuer with istio-ca-secret, Ready condition').toMatch(
      // With istiod in that namespace there is such a Secret, and its keys have other names.
      /ErrGetKeyPair|ErrInvalidKeyPair/,
    )
    expect(otherKeys, "Issuer with a Secret that has Istio's key names, Ready condition").toMatch(
      /ErrGetKeyPair|ErrInvalidKeyPair/,
    )
    return (
      `ClusterIssuer ${issuer} is Ready; with istio-ca-secret, as in the guide: ${missingSecret}; ` +
      `with Istio's key names: ${otherKeys}`
    )
  },
)

check(
  'tls/certificate-issued',
  {
    asserts:
      'a Certificate for a domain and its wildcard becomes Ready, ' +
      'and its chain is signed by the CA, valid now, and has both names',
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/issuer-ready'],
    remedy: ['Run kubectl describe certificate,certificaterequest and read why the issuer refused the request'],
  },
  async ({ stack, expect }) => {
    const { ca } = await stack.certManager.authority()
    const names = [`issued.${stack.runTag}.test`, `*.issued.${stack.runTag}.test`]
    const { chain } = await stack.certManager.certificate('issued', names)
    expect(chainTroubles(chain, ca, names[0]!), `Certificate issued, chain for ${names[0]}`).toBeNone()
    const below = `any.issued.${stack.runTag}.test`
    expect(chainTroubles(chain, ca, below), `Certificate issued, chain for ${below} by the wildcard`).toBeNone()
    expect(dateTroubles(chain[0]!), 'Certificate issued, validity').toBeNone()
    return `issued for ${chain[0]?.subjectAltName}, valid until ${chain[0]?.validTo}, signed by ${ca.subject}`
  },
)
