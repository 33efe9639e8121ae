import http from 'node:http'
import type { Objects } from '../api/objects.ts'
import type { Container } from '../kubelet/container.ts'
import { EnvoyAdmin } from './envoy-admin.ts'
import type { IstioHooks } from './hooks.ts'
import type { MeshSnapshot } from './mesh.ts'
import { XDS_TYPES, type XdsType } from './proxy.ts'
import { Sidecar } from './sidecar.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

/** The proxy of a sidecar, as istiod sees it: what it was sent, and what stands before its pod by that. */
export class SidecarProxy {
  readonly container: Container
  readonly sent = new Map<XdsType, string>()
  readonly acknowledged = new Map<XdsType, string>()
  readonly type = 'sidecar'
  readonly #identity: WorkloadIdentity
  readonly #sidecar: Sidecar
  #snapshot: MeshSnapshot | undefined

  constructor(container: Container, objects: Objects, hooks: IstioHooks, identity: WorkloadIdentity) {
    this.container = container
    this.#identity = identity
    const snapshot = () => this.#snapshot
    this.#sidecar = new Sidecar(container, identity, snapshot, hooks)
    container.intercept(this.#sidecar)
    const admin = new EnvoyAdmin({ pod: () => container.pod, objects, snapshot, hooks, identity })
    container.serveLoopback(15000, http.createServer(admin.answer))
  }

  get isReady(): boolean {
    return this.#snapshot !== undefined
  }

  accept(snapshot: MeshSnapshot, nonce: string): string | undefined {
    for (const type of XDS_TYPES) {
      this.sent.set(type, nonce)
      this.acknowledged.set(type, nonce)
    }
    this.#snapshot = snapshot
    return undefined
  }

  close(): void {
    this.#identity.stop()
    this.#sidecar.close()
  }
}
