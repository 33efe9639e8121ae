import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'
import http2 from 'node:http2'
import net, { type Server } from 'node:net'
import os from 'node:os'
import tls from 'node:tls'
import { compileFunction } from 'node:vm'
import type { Container, Program } from './container.ts'

const nodeRequire = createRequire(import.meta.url)

/**
 * A stock Node image: runs a program of one file (`command: [node, /path/to/file.mjs]`, mounted from a ConfigMap) in
 * the twin's own process. What it imports of Node's network, files and process is its container's: it listens on the
 * pod's address, and what it sends comes from there.
 */
export function nodeProgram(container: Container): Program {
  const command = [...((container.spec.command ?? []) as string[]), ...((container.spec.args ?? []) as string[])]
  const file = command.find((part) => /\.m?js$/.test(part))
  const source = file ? container.readFile(file) : undefined
  if (source === undefined) {
    container.log.write(`Error: Cannot find module '${file ?? ''}'`)
    setImmediate(() => container.exit(1))
    return {}
  }
  const signals = new Map<string, () => void>()
  let ended: () => void = () => undefined
  const process = {
    env: container.env,
    argv: ['node', file],
    on: (name: string, handler: () => void) => void signals.set(name, handler),
    exit: () => ended(),
    hrtime: globalThis.process.hrtime,
  }
  const modules: Record<string, unknown> = {
    'node:http': serving(container, http),
    'node:https': serving(container, https),
    'node:net': {
      ...net,
      createServer: listening(container, net.createServer as CreatesServer),
      connect: (options: net.TcpNetConnectOpts) =>
        net.connect({ ...options, port: container.network.realPort(options.port), localAddress: container.address }),
    },
    'node:http2': {
      ...http2,
      connect: (authority: string, options: http2.SecureClientSessionOptions = {}) => {
        const url = new URL(authority)
        url.port = String(container.network.realPort(Number(url.port)))
        return http2.connect(url, options)
      },
    },
    'node:tls': {
      ...tls,
      connect: (options: tls.ConnectionOptions) =>
        tls.connect({ ...options, port: container.network.realPort(options.port ?? 0) }),
    },
    'node:os': { ...os, hostname: () => container.pod.metadata.name },
    'node:fs': { ...fs, readFileSync: (path: string) => readMounted(container, path) },
  }
  const require = (name: string): unknown => modules[name.replace(/^(?!node:)/, 'node:')] ?? nodeRequire(name)
  const write = (...parts: unknown[]) => container.log.write(parts.map(String).join(' '))
  const text = source.replace(/^import\s+(.+?)\s+from\s+'([^']+)';?$/gm, "const $1 = require('$2')")
  compileFunction(text, ['require', 'process', 'console'], { filename: file ?? 'program' })(require, process, {
    log: write,
    error: write,
  })
  return {
    async stop() {
      const handler = signals.get('SIGTERM')
      if (!handler) return
      await new Promise<void>((resolve) => {
        ended = resolve
        handler()
      })
    },
  }
}

type CreatesServer = (...args: unknown[]) => Server

/** Makes servers that listen on the container's address. */
function listening(container: Container, create: CreatesServer): CreatesServer {
  return (...args) => {
    const server = create(...args)
    const original = server.listen.bind(server)
    server.listen = ((port: number) => {
      server.listen = original
      container.listen(server, port).catch((problem: Error) => {
        container.log.write(String(problem))
        container.exit(1)
      })
      return server
    }) as typeof server.listen
    return server
  }
}

/** Node's http or https as a container has it. */
function serving(container: Container, module: typeof http | typeof https): object {
  // One server may hand its connections to another: it is the one of HTTP that knows of requests.
  const create: CreatesServer = (...args) =>
    (module.createServer as CreatesServer)(...args).prependListener('request', (request: http.IncomingMessage) =>
      container.received(request),
    )
  const createServer = listening(container, create)
  const request = (
    options: http.RequestOptions & { port: number },
    answered: (answer: http.IncomingMessage) => void,
  ) =>
    module === https
      ? https.request(
          { ...options, port: container.network.realPort(options.port), localAddress: container.address },
          answered,
        )
      : container.request(options, answered)
  return { ...module, createServer, request }
}

function readMounted(container: Container, path: string): string {
  const text = container.readFile(path)
  if (text === undefined)
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
  return text
}
