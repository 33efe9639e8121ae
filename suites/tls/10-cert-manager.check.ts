import { check } from '../../src/check/check.ts'
import { CERT_MANAGER, versionOf } from '../../src/tls/cert-manager.ts'
import { chainTroubles, dateTroubles } from '../../src/traffic/certificates.ts'
import { deploymentTroubles } from '../../src/kube/pods.ts'
import { isVersion, otherVersion } from '../../src/config/expectations.ts'
import { compareMinors } from '../../src/config/supported-versions.ts'

const DEPLOYMENTS = ['cert-manager', 'cert-manager-cainjector', 'cert-manager-webhook']
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
      'cert-manager is 1.12 or newer, its three Deployments are available, its CRDs are Established, ' +
      'and its webhooks have a CA bundle and ready endpoints',
    guide: '5',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Install cert-manager 1.12 or newer with kubectl apply -f cert-manager.yaml',
      'Find the pod that is not Ready with kubectl -n cert-manager get pods',
    ],
  },
  async ({ stack, expect }) => {
    const deployments = (await stack.all('apps/v1/Deployment', CERT_MANAGER)).filter(({ metadata }) =>
      DEPLOYMENTS.includes(metadata?.name ?? ''),
    )
    expect(
      deployments.map(({ metadata }) => metadata?.name).toSorted(),
      `Namespace ${CERT_MANAGER}, Deployments of cert-manager`,
    ).toEqual(DEPLOYMENTS)
    expect(deployments.flatMap(deploymentTroubles), 'Deployments of cert-manager that are not available').toBeNone()
    const version = versionOf(deployments.find(({ metadata }) => metadata?.name === 'cert-manager'))
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
    const { webhooks, troubles } = await stack.webhooks.readiness(({ service }) => service.namespace === CERT_MANAGER)
    expect(webhooks, `Admission webhooks that call a Service in namespace ${CERT_MANAGER}`).toBeGreaterThan(0)
    expect(troubles, "cert-manager's admission webhooks that cannot be called").toBeNone()
    const parts = `${deployments.length} Deployments, ${CRDS.length} CRDs and ${webhooks} webhooks`
    return `${parts} of cert-manager ${version} are ready`
  },
)

check(
  'tls/issuer-ready',
  {
    asserts:
      "a ClusterIssuer with a CA Secret in cert-manager's namespace (keys tls.crt and tls.key) is Ready, " +
      "and one with Istio's istio-ca-secret is not",
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/cert-manager-ready'],
    remedy: [
      "Create the CA Secret in cert-manager's own namespace: a ClusterIssuer reads no other",
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
      /ErrGetKeyPair.*"istio-ca-secret" not found/,
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
