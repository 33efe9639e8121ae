import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
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
 * Loads a kubeconfig and turns to a context: `file`, else the files of KUBECONFIG, else ~/.kube/config, else the
 * service account of the pod that Plumbline runs in.
 * @throws UsageProblem where there is no kubeconfig, it cannot be read, or its context cannot be used
 */
export function loadKubeConfig(file: string | undefined, context: string | undefined): SharedKubeConfig {
  const { config, where } = readKubeConfig(file)
  const known = config.getContexts().map(({ name }) => name)
  const choose = known.length ? `Choose one with --context; it has ${known.join(', ')}.` : 'It has no context at all.'
  if (context) {
    if (!config.getContextObject(context))
      throw new UsageProblem(
        `The kubeconfig ${where} has no context "${context}"; it has ${known.length ? known.join(', ') : 'none'}.`,
      )
    config.setCurrentContext(context)
  }
  const name = config.getCurrentContext()
  if (!name) throw new UsageProblem(`The kubeconfig ${where} has no current context. ${choose}`)
  const current = config.getContextObject(name)
  if (!current)
    throw new UsageProblem(`The current context "${name}" of the kubeconfig ${where} does not exist. ${choose}`)
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new UsageProblem(
      `Context ${name} of the kubeconfig ${where} names the cluster "${current.cluster}", ` +
        'which the file does not have.',
    )
  }
  refuseServer(cluster, where)
  return config
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token'

function readKubeConfig(file: string | undefined): { config: SharedKubeConfig; where: string } {
  const config = new SharedKubeConfig()
  const named = file ? [file] : (process.env.KUBECONFIG?.split(delimiter).filter(Boolean) ?? [])
  const files = named.length ? named : [join(process.env.HOME ?? homedir(), '.kube', 'config')]
  const [first, ...others] = files.filter((each) => existsSync(each))
  if (first) {
    const where = [first, ...others].join(delimiter)
    try {
      config.loadFromFile(first)
      for (const other of others) {
        const more = new k8s.KubeConfig()
        more.loadFromFile(other)
        config.mergeConfig(more, true)
      }
      return { config, where }
    } catch (cause) {
      throw new UsageProblem(`The kubeconfig ${where} cannot be read: ${firstLine(cause)}`, { cause })
    }
  }
  if (named.length === 0 && existsSync(SERVICE_ACCOUNT)) {
    config.loadFromCluster()
    return { config, where: "of the pod's service account" }
  }
  if (file) throw new UsageProblem(`There is no kubeconfig at ${file}: give another with --kubeconfig FILE.`)
  throw new UsageProblem(
    named.length
      ? `There is no kubeconfig: KUBECONFIG names ${named.join(delimiter)}, which does not exist. ` +
          'Give one with --kubeconfig FILE.'
      : 'There is no kubeconfig: neither KUBECONFIG nor ~/.kube/config exists. Give one with --kubeconfig FILE.',
  )
}

/** Refuses a server that is no URL, or that would get our credentials over plain HTTP. */
function refuseServer({ name, server, skipTLSVerify }: k8s.Cluster, where: string): void {
  const says = `Cluster ${name} of the kubeconfig ${where} has the server ${server}`
  const protocol = URL.canParse(server) ? new URL(server).protocol : undefined
  if (protocol === 'https:' || (protocol === 'http:' && skipTLSVerify)) return
  throw new UsageProblem(
    protocol === 'http:'
      ? `${says}: it is not HTTPS. Give its https:// address, ` +
          'or set insecure-skip-tls-verify: true for kubectl proxy on this machine.'
      : `${says}, which is not an https:// address.`,
  )
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
