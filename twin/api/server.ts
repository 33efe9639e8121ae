import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { KubernetesHooks } from '../cluster/hooks.ts'
import type { Kubelet } from '../kubelet/kubelet.ts'
import type { Network } from '../network.ts'
import type { Access, User } from './access.ts'
import type { Admission } from './admission.ts'
import { discover, discoverAll } from './discovery.ts'
import { answerJson, answerProblem, readText } from './http-answer.ts'
import { measure } from './metrics-api.ts'
import type { KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { openApi } from './openapi.ts'
import { endpointsOf } from '../cluster/services.ts'
import { forwardPorts, proxyToPod, sendLog } from './pod-connections.ts'
import { apiVersionOf, readPath, type ResourceRequest } from './request-info.ts'
import { filterOf } from './selectors.ts'
import { StatusError, noSuchPath, notFound } from './status-error.ts'
import { isSubresourceCall, serveSubresource } from './subresources.ts'
import { tableOf } from './tables.ts'
import { watch } from './watch.ts'
import { Writes } from './writes.ts'

// The defaults of a kubelet.
const KUBELET_CONFIG = { containerLogMaxSize: '10Mi', containerLogMaxFiles: 5 }

export interface ApiServerOptions {
  objects: Objects
  access: Access
  admission: Admission
  kubelet: Kubelet
  network: Network
  hooks: KubernetesHooks
  /** The version of Kubernetes, without the v. */
  version: string
  /** The issuer of ServiceAccount tokens, a URL. */
  issuer: string
}

/** The Kubernetes API over HTTP, to the letter of the wire. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #writes: Writes
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].find((each) => /v[45]\.channel|portforward/.test(each)) ?? false,
  })

  constructor(options: ApiServerOptions) {
    this.#options = options
    this.#writes = new Writes(options.objects, options.admission)
  }

  /** Answers one request; it never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'https://twin')
      const user = this.#options.access.userOf(request)
      const group = url.pathname.split('/')[2] ?? ''
      const asked = this.#extraGroups().has(group) ? undefined : readPath(url.pathname, this.#options.objects.resources)
      if (asked) await this.#handleResource(asked, url.searchParams, user, request, response)
      else await this.#handlePath(url.pathname, user, request, response)
    } catch (problem) {
      answerProblem(response, problem)
    }
  }

  /** Takes over a connection for port forwarding. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { objects, access, kubelet, network } = this.#options
    try {
      const url = new URL(request.url ?? '/', 'https://twin')
      const asked = readPath(url.pathname, objects.resources)
      if (asked?.subresource !== 'portforward') throw noSuchPath()
      access.check(access.userOf(request), {
        verb: 'create',
        group: '',
        resource: 'pods/portforward',
        namespace: asked.namespace,
        name: asked.name,
      })
      const pod = objects.get('pods', asked.name ?? '', asked.namespace)
      if (!pod) throw notFound('', 'pods', asked.name ?? '')
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
        forwardPorts(kubelet, network, pod, url.searchParams.getAll('ports').map(Number), webSocket),
      )
    } catch (problem) {
      const code = problem instanceof StatusError ? problem.code : 500
      const status = problem instanceof StatusError ? problem.toStatus() : {}
      const lines = [`HTTP/1.1 ${code} Refused`, 'connection: close', 'content-type: application/json']
      socket.end(`${lines.join('\r\n')}\r\n\r\n${JSON.stringify(status)}`)
    }
  }

  /** Groups that an APIService hands to another server: here only that of the metrics. */
  #extraGroups(): Map<string, string[]> {
    const services = this.#options.objects
      .list('apiservices.apiregistration.k8s.io')
      .filter((each) => each.spec.service)
    return new Map(services.map((each) => [each.spec.group as string, [each.spec.version as string]]))
  }

  async #handlePath(path: string, user: User, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { objects, access, network, version: kubernetes } = this.#options
    access.checkPath(user, path)
    const accept = request.headers.accept ?? ''
    if (/^\/(livez|readyz|healthz)/.test(path)) return void response.end('ok')
    if (path === '/version') {
      const [major = '', minor = ''] = kubernetes.split('.')
      return answerJson(response, 200, {
        major,
        minor,
        gitVersion: `v${kubernetes}`,
        gitCommit: 'twin',
        gitTreeState: 'clean',
        platform: 'linux/amd64',
        goVersion: 'none',
        compiler: 'plumbline-twin',
        buildDate: '1970-01-01T00:00:00Z',
      })
    }
    if (path === '/.well-known/openid-configuration') {
      const issuer = this.#options.hooks.issuer.apply(this.#options.issuer)
      return answerJson(response, 200, {
        issuer,
        jwks_uri: `https://${network.apiAddress}:6443/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      })
    }
    if (path.startsWith('/openapi/v3')) return answerJson(response, 200, await openApi(path, objects.resources))
    const extra = this.#extraGroups()
    const [root, group = '', version, ...rest] = path.split('/').filter(Boolean)
    if (root === 'apis' && version && extra.has(group)) return answerJson(response, 200, measure(objects, group, rest))
    if (
      (path === '/api' || path === '/apis') &&
      accept.includes('g=apidiscovery.k8s.io') &&
      /v=v2(?!beta)/.test(accept)
    )
      return answerJson(
        response,
        200,
        discoverAll(path === '/api', objects.resources, extra),
        [],
        'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      )
    if (root === 'api' || root === 'apis')
      return answerJson(response, 200, discover(path.replace(/\/$/, ''), objects.resources, extra))
    if (path === '/')
      return answerJson(response, 200, { paths: ['/api', '/apis', '/healthz', '/openapi/v3', '/version'] })
    throw noSuchPath()
  }

  async #handleResource(
    asked: ResourceRequest,
    query: URLSearchParams,
    user: User,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { objects, access, kubelet, network, hooks } = this.#options
    const { resource, namespace, name, subresource } = asked
    const watching = request.method === 'GET' && !name && query.get('watch') === 'true'
    const verb = watching ? 'watch' : verbOf(request.method ?? 'GET', name)
    access.check(user, {
      verb,
      group: resource.group,
      resource: subresource ? `${resource.plural}/${subresource}` : resource.plural,
      namespace,
      name,
    })
    if (resource.id === 'nodes' && subresource === 'proxy') {
      if (!objects.get('nodes', name ?? '')) throw notFound('', 'nodes', name ?? '')
      if (asked.rest !== '/configz') throw noSuchPath()
      return answerJson(response, 200, { kubeletconfig: hooks.kubeletConfig.apply(KUBELET_CONFIG) })
    }
    if (resource.id === 'pods' && (subresource === 'log' || subresource === 'proxy')) {
      const [bare = '', port] = (name ?? '').split(':')
      const pod = objects.get('pods', bare, namespace)
      if (!pod) throw notFound('', 'pods', bare)
      if (subresource === 'log') return sendLog(kubelet, pod, query, response)
      const first = pod.spec.containers?.[0]?.ports?.[0]?.containerPort as number | undefined
      const search = query.size ? `?${query}` : ''
      return proxyToPod(
        network,
        pod,
        Number(port ?? first ?? 80),
        `${asked.rest || '/'}${search}`,
        request,
        response,
        await readText(request),
      )
    }
    if (resource.id === 'services' && subresource === 'proxy') {
      const [bare = '', port = '80'] = (name ?? '').split(':')
      if (!objects.get('services', bare, namespace)) throw notFound('', 'services', bare)
      const [to] = endpointsOf(objects, bare, namespace ?? '', Number(port))
      if (!to?.pod)
        throw new StatusError(503, 'ServiceUnavailable', `no endpoints available for service "${bare}:${port}"`)
      const path = `${asked.rest || '/'}${query.size ? `?${query}` : ''}`
      return proxyToPod(network, to.pod, to.port, path, request, response, await readText(request))
    }
    if (isSubresourceCall(asked)) return serveSubresource(asked, request, response, objects, access, query, hooks)
    if (request.method !== 'GET') return this.#writes.handle(asked, query, user, request, response)
    const shown = this.#presentation(asked, request.headers.accept ?? '', query)
    if (watching) return watch(objects.store, resource, namespace, query, response, shown.one)
    if (!name) return answerJson(response, 200, this.#list(asked, query, shown))
    const object = objects.get(resource.id, name, namespace)
    if (!object) throw notFound(resource.group, resource.plural, name)
    answerJson(response, 200, shown.one([object]))
  }

  #list(asked: ResourceRequest, query: URLSearchParams, shown: Presentation): object {
    const { resource, namespace } = asked
    const { objects } = this.#options
    const all = objects.list(resource.id, namespace).filter(filterOf(query))
    all.sort((a, b) =>
      `${a.metadata.namespace}/${a.metadata.name}`.localeCompare(`${b.metadata.namespace}/${b.metadata.name}`),
    )
    const limit = Number(query.get('limit') ?? 0)
    const from = Number(Buffer.from(query.get('continue') ?? '', 'base64').toString() || 0)
    const items = limit > 0 ? all.slice(from, from + limit) : all
    const left = all.length - from - items.length
    return shown.list(items, {
      resourceVersion: String(objects.store.version),
      ...(limit > 0 && left > 0
        ? { continue: Buffer.from(String(from + limit)).toString('base64'), remainingItemCount: left }
        : {}),
    })
  }

  #presentation(asked: ResourceRequest, accept: string, query: URLSearchParams): Presentation {
    const { resource } = asked
    const apiVersion = apiVersionOf(asked)
    const as = (object: KubeObject): KubeObject =>
      object.apiVersion === apiVersion ? object : { ...object, apiVersion }
    if (/as=Table/.test(accept)) {
      const table = (items: KubeObject[], version: string) =>
        tableOf(resource, items.map(as), version, query.get('includeObject'))
      return {
        one: (items) => table(items, items[0]?.metadata.resourceVersion ?? ''),
        list: (items, metadata) => ({ ...table(items, metadata.resourceVersion), metadata }),
      }
    }
    return {
      one: ([object]) => as(object!),
      list: (items, metadata) => ({ kind: `${resource.kind}List`, apiVersion, metadata, items: items.map(as) }),
    }
  }
}

interface Presentation {
  one: (objects: KubeObject[]) => object
  list: (objects: KubeObject[], metadata: { resourceVersion: string }) => object
}

function verbOf(method: string, name: string | undefined): string {
  if (method === 'GET' || method === 'HEAD') return name ? 'get' : 'list'
  if (method === 'DELETE') return name ? 'delete' : 'deletecollection'
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method.toLowerCase()
}
