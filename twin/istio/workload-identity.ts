import { issue, type Authority, type Pem } from '../certificates.ts'
import type { Container } from '../kubelet/container.ts'
import { goDuration } from '../go-duration.ts'
import { proxyLine } from './agent-line.ts'

const DAY_MS = 86_400_000
export const TRUST_DOMAIN = 'cluster.local'

/** The certificate that a workload's agent gets from istiod. The agent renews it after half of its lifetime. */
export class WorkloadIdentity {
  readonly uri: string
  readonly authority: Authority
  #held: Pem | undefined
  readonly #container: Container
  readonly #hear = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(container: Container, authority: Authority) {
    const { metadata, spec } = container.pod
    this.uri = `spiffe://${TRUST_DOMAIN}/ns/${metadata.namespace}/sa/${spec.serviceAccountName ?? 'default'}`
    this.authority = authority
    this.#container = container
  }

  /** The certificate and its key; `start` must have ended. */
  get pem(): Pem {
    if (!this.#held) throw new Error(`${this.uri} has no certificate yet`)
    return this.#held
  }

  /** Calls `hear` whenever there is another certificate. */
  onChange(hear: () => void): void {
    this.#hear.add(hear)
  }

  async start(): Promise<void> {
    const life = this.#lifeMs()
    this.#held = await issue(this.authority, {
      subject: '',
      names: [this.uri],
      notAfter: new Date(Date.now() + life),
    })
    this.#container.log.write(
      proxyLine(
        this.#container,
        'info',
        'cache',
        `generated new workload certificate\tresourceName=default latency=1ms ttl=${life / 1000}s`,
      ),
    )
    for (const hear of this.#hear) hear()
    this.#timer = setTimeout(() => void this.start(), Math.min(life / 2, 2 ** 30))
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** SECRET_TTL of the pod's own proxy configuration; a day where it says nothing. */
  #lifeMs(): number {
    const config = this.#container.pod.metadata.annotations?.['proxy.istio.io/config'] ?? '{}'
    const { proxyMetadata = {} } = JSON.parse(config) as { proxyMetadata?: Record<string, string> }
    return goDuration(proxyMetadata.SECRET_TTL ?? '') ?? DAY_MS
  }
}
