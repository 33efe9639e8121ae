import { check } from '../../src/check/check.ts'
import { CERT_MANAGER, versionOf } from '../../src/tls/cert-manager.ts'
import { chainTroubles, dateTroubles } from '../../src/traffic/certificates.ts'
import { deploymentTroubles } from '../../src/kube/pods.ts'
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
      'cert-manager of at least 1.12: its three deployments available, its CRDs served, its webhook with a CA bundle',
    guide: '5',
    level: 'required',
    effect: 'reads',
    remedy: 'kubectl apply -f cert-manager.yaml of a release, and look at the pods of the namespace cert-manager',
  },
  async ({ stack, expect }) => {
    const deployments = await stack.all('apps/v1/Deployment', CERT_MANAGER)
    const found = deployments.filter(({ metadata }) => DEPLOYMENTS.includes(metadata?.name ?? ''))
    expect(
      found.map(({ metadata }) => metadata?.name).toSorted(),
      `deployments of cert-manager in ${CERT_MANAGER}`,
    ).toEqual(DEPLOYMENTS)
    expect(found.flatMap(deploymentTroubles), 'deployments that are not available').toBeNone()
    const version = versionOf(found.find(({ metadata }) => metadata?.name === 'cert-manager'))
    expect(compareMinors(version, '1.12'), `version ${version} against 1.12`).toBeGreaterThanOrEqual(0)
    const wanted = stack.config.versions['cert-manager']
    if (wanted)
      expect(version.replace(/^v/, ''), 'the installed version against stack.yaml').toBe(wanted.replace(/^v/, ''))
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
    expect(missing, 'CRDs that are missing or not Established').toBeNone()
    const { webhooks, troubles } = await stack.webhooks.readiness(({ namespace }) => namespace === CERT_MANAGER)
    expect(webhooks, `Admission webhooks that call a Service in namespace ${CERT_MANAGER}`).toBeGreaterThan(0)
    expect(troubles, "cert-manager's admission webhooks cannot be called").toBeNone()
    return `cert-manager ${version}: ${found.length} Deployments, ${CRDS.length} CRDs and ${webhooks} webhooks are ready`
  },
)

check(
  'tls/issuer-ready',
  {
    asserts:
      "a ClusterIssuer from a CA's secret (tls.crt and tls.key, in cert-manager's own namespace) is Ready; one on Istio's istio-ca-secret is not, and says why",
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/cert-manager-ready'],
    remedy:
      "a ClusterIssuer reads its secret from cert-manager's namespace alone, under tls.crt and tls.key; Istio's CA has ca-cert.pem and ca-key.pem in istio-system",
  },
  async ({ stack, expect }) => {
    const { issuer } = await stack.certManager.authority()
    const namespace = await stack.namespace('issuer')
    const secretName = await stack.certManager.secretWithIstiosKeys(namespace)
    const [elsewhere, otherKeys] = await Promise.all([
      stack.certManager.refusalOf({ secretName: 'istio-ca-secret' }),
      stack.certManager.refusalOf({ namespace, secretName }),
    ])
    expect(elsewhere, 'what is said of a ClusterIssuer on istio-ca-secret, which is not beside cert-manager').toMatch(
      /ErrGetKeyPair.*"istio-ca-secret" not found/,
    )
    expect(otherKeys, "what is said of an Issuer on a secret with Istio's key names").toMatch(
      /ErrGetKeyPair|ErrInvalidKeyPair/,
    )
    return `${issuer} is Ready; as the guide has it: ${elsewhere}; with Istio's key names: ${otherKeys}`
  },
)

check(
  'tls/certificate-issued',
  {
    asserts:
      "a Certificate for the domain and a wildcard is Ready; its secret's chain verifies to the CA, is in date, and names them",
    guide: '5',
    level: 'required',
    effect: 'writes',
    needs: ['tls/issuer-ready'],
    remedy: 'kubectl describe the Certificate and its CertificateRequest: what the issuer refuses stands there',
  },
  async ({ stack, expect }) => {
    const { ca } = await stack.certManager.authority()
    const names = [`issued.${stack.runTag}.test`, `*.issued.${stack.runTag}.test`]
    const { chain } = await stack.certManager.certificate('issued', names)
    expect(chainTroubles(chain, ca, names[0]!), `what is wrong with the chain for ${names[0]}`).toBeNone()
    const below = `any.issued.${stack.runTag}.test`
    expect(chainTroubles(chain, ca, below), `what is wrong with the chain for ${below}, by the wildcard`).toBeNone()
    expect(dateTroubles(chain[0]!), 'its dates').toBeNone()
    return `${chain[0]?.subjectAltName}, valid until ${chain[0]?.validTo}, signed by ${ca.subject}`
  },
)
