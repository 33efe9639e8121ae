import { createServer, type AddressInfo } from 'node:net'
import { execa } from 'execa'
import { sendFromHere } from '../src/traffic/http.ts'

/**
 * Starts a program of one file under plain Node and waits until it listens on `PORT`, a free port. Ends with `await
 * using`.
 */
export async function startProgram(file: string, env: Record<string, string>) {
  const port = await freePort()
  const child = execa('node', [file], { env: { ...env, PORT: String(port) }, reject: false })
  const to = { address: '127.0.0.1', port, host: 'h', headers: { 'user-agent': 'kube-probe/1' } }
  const ends = performance.now() + 60_000
  while ((await sendFromHere(to)).status === 0) {
    if (performance.now() > ends) throw new Error(`${file} does not listen on ${port}: ${(await child).stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child
    },
  }
}

/** A port of this machine on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
