import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { makeAuthority, readAuthority, type Authority } from '../certificates.ts'
import { certManagerName } from '../stack/layout.ts'
import { setReady, type ReadyCondition } from './ready.ts'

/** Why an issuer has no authority, in cert-manager's words. */
interface IssuerProblem {
  reason: string
  message: string
}

/** cert-manager's issuers of type CA and ACME. */
export class Issuers {
  readonly #objects: Objects
  #acme: Promise<Authority> | undefined

  constructor(objects: Objects) {
    this.#objects = objects
  }

  /** The authority of an issuer, or why it has none. All ACME issuers have the same. */
  async authorityOf(issuer: KubeObject): Promise<Authority | IssuerProblem> {
    if (issuer.spec?.acme) return (this.#acme ??= makeAuthority('Twin ACME'))
    if (!issuer.spec?.ca)
      return { reason: 'NotSupported', message: 'the twin supports issuers of type CA and ACME only' }
    const namespace = issuer.kind === 'ClusterIssuer' ? this.#clusterResourceNamespace() : issuer.metadata.namespace
    const name = String(issuer.spec.ca.secretName ?? '')
    const failed = (why: string): IssuerProblem => ({
      reason: 'ErrGetKeyPair',
      message: `Error getting keypair for CA issuer: ${why}`,
    })
    const data = this.#objects.get('secrets', name, namespace)?.data as Record<string, string> | undefined
    if (!data) return failed(`secrets "${name}" not found`)
    for (const key of ['tls.key', 'tls.crt'])
      if (!data[key]) return failed(`no data for "${key}" in secret '${namespace}/${name}'`)
    const decode = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
    try {
      return await readAuthority({ cert: decode('tls.crt'), key: decode('tls.key') })
    } catch (problem) {
      return failed(problem instanceof Error ? problem.message : String(problem))
    }
  }

  /** Brings the status of an issuer up to date, where its controller runs. `resource` is one of ISSUERS. */
  async reconcile(resource: string, name: string, namespace: string | undefined): Promise<void> {
    const issuer = this.#objects.get(resource, name, namespace)
    const off = `-${resource.split('.')[0]}`
    if (!issuer || this.#argument('--controllers')?.split(',').includes(off)) return
    const authority = await this.authorityOf(issuer)
    if (issuer.spec?.acme) {
      const { server = '' } = issuer.spec.acme as { server?: string }
      const registered: ReadyCondition = {
        type: 'Ready',
        status: 'True',
        reason: 'ACMEAccountRegistered',
        message: 'The ACME account was registered with the ACME server',
      }
      const acme = { uri: server.replace(/directory$/, 'acct/1') }
      return setReady(this.#objects, resource, issuer, registered, { acme })
    }
    const ready: ReadyCondition =
      'signingKey' in authority
        ? { type: 'Ready', status: 'True', reason: 'KeyPairVerified', message: 'Signing CA verified' }
        : { type: 'Ready', status: 'False', ...authority }
    setReady(this.#objects, resource, issuer, ready)
  }

  /** Where the Secrets of ClusterIssuers are: the controller's own namespace, or its --cluster-resource-namespace. */
  #clusterResourceNamespace(): string {
    const said = this.#argument('--cluster-resource-namespace')
    return said === undefined || said.includes('$(') ? this.#objects.layout.certManager.namespace : said
  }

  /** What the controller's Deployment says in an argument. */
  #argument(flag: string): string | undefined {
    const { certManager } = this.#objects.layout
    const controller = this.#objects.get('deployments.apps', certManagerName(certManager), certManager.namespace)
    const args = (controller?.spec?.template?.spec?.containers?.[0]?.args ?? []) as string[]
    return args.findLast((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1)
  }
}
