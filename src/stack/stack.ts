import { Cloud } from '../cloud/cloud.ts'
import { Changes } from '../cluster/changes.ts'
import { Cluster } from '../cluster/cluster.ts'
import { Webhooks } from '../cluster/webhooks.ts'
import type { RunInfo } from '../config/run-info.ts'
import { Knative } from '../knative/knative.ts'
import { Load } from '../load/load.ts'
import { GatewayLog } from '../mesh/gateway-log.ts'
import { Istio } from '../mesh/istio.ts'
import { CertManager } from '../tls/cert-manager.ts'
import { Agent } from '../traffic/agent.ts'
import { Ingress } from '../traffic/ingress.ts'
import { Protocols } from '../traffic/protocols.ts'

/** What a check is handed: the cluster and the parts of the stack in it, wired together. One for a whole run. */
export class Stack extends Cluster {
  readonly changes: Changes
  readonly agent: Agent
  readonly ingress: Ingress
  readonly protocols: Protocols
  readonly istio: Istio
  readonly gatewayLog: GatewayLog
  readonly knative: Knative
  readonly certManager: CertManager
  readonly webhooks: Webhooks
  readonly load: Load
  readonly cloud: Cloud

  constructor(run: RunInfo, signal: AbortSignal) {
    super(run, signal)
    this.changes = new Changes(this)
    this.agent = new Agent(this)
    this.ingress = new Ingress(this, this.agent)
    this.protocols = new Protocols(this, this.ingress, this.agent)
    this.istio = new Istio(this)
    this.gatewayLog = new GatewayLog(this, this.ingress, this.istio)
    this.knative = new Knative(this, this.ingress)
    this.certManager = new CertManager(this, this.changes)
    this.webhooks = new Webhooks(this)
    this.load = new Load(this, this.ingress, this.agent)
    this.cloud = new Cloud(this)
  }
}
