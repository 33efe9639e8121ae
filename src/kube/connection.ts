import { existsSync } from 'node:fs'
import * as k8s from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import { currentScope } from '../core/scope.ts'
import { UsageProblem } from '../core/problem.ts'

/**
 * A kubeconfig whose requests all share one set of connections. client-node makes a new undici Agent for every request
 * where the cluster has a CA, so a hundred reads would open a hundred TLS connections.
 * It also names the running check in the user agent: the API server's audit log tells which check made which call.
 */
export class SharedKubeConfig extends k8s.KubeConfig {
  #dispatcher: Dispatcher | undefined

  override async applySecurityAuthentication(context: k8s.RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context)
    this.#dispatcher ??= context.getDispatcher()
    if (this.#dispatcher) context.setDispatcher(this.#dispatcher)
    context.setHeaderParam('User-Agent', `plumbline (${currentScope()?.id ?? 'harness'})`)
  }

  /** The connections themselves, for requests that client-node has no method for. */
  async dispatcher(): Promise<Dispatcher | undefined> {
    if (!this.#dispatcher) await this.headers()
    return this.#dispatcher
  }

  /** The headers that authenticate a request now (an exec plugin's token may have been renewed). */
  async headers(): Promise<Record<string, string>> {
    const context = new k8s.RequestContext(this.getCurrentCluster()?.server ?? 'https://localhost', k8s.HttpMethod.GET)
    await this.applySecurityAuthentication(context)
    return context.getHeaders()
  }

  async close(): Promise<void> {
    await this.#dispatcher?.destroy()
  }
}

/**
 * Loads a kubeconfig file (KUBECONFIG or ~/.kube/config where none is named) and turns to a context.
 * @throws UsageProblem where the file is missing or broken, or has no such context
 */
export function loadKubeConfig(file: string | undefined, context: string | undefined): SharedKubeConfig {
  const config = new SharedKubeConfig()
  const where = file ?? process.env.KUBECONFIG ?? '~/.kube/config'
  if (file && !existsSync(file))
    throw new UsageProblem(`There is no kubeconfig at ${file}: give another with --kubeconfig.`)
  try {
    if (file) config.loadFromFile(file)
    else config.loadFromDefault()
  } catch (cause) {
    throw new UsageProblem(`The kubeconfig ${where} cannot be read: ${firstLine(cause)}`, { cause })
  }
  if (context) {
    if (!config.getContextObject(context)) {
      const known = config.getContexts().map((each) => each.name)
      throw new UsageProblem(
        `The kubeconfig ${where} has no context "${context}"; it has ${known.length ? known.join(', ') : 'none'}.`,
      )
    }
    config.setCurrentContext(context)
  }
  if (!config.getCurrentCluster()) {
    throw new UsageProblem(`The kubeconfig ${where} names no cluster to use: give one of its contexts with --context.`)
  }
  return config
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
