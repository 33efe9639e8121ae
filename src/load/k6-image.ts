import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers'
import { K6_FLAGS } from './k6-here.ts'
import type { Generator } from './load-run.ts'

const SCRIPTS = join(import.meta.dirname, '..', '..', 'load')

/** Runs a script of load/ in a container of k6's image, in the network of this machine. */
export async function runInContainer(
  image: string,
  script: string,
  parameters: Record<string, string>,
): Promise<Generator> {
  // Its reaper is an image more, which a machine that was given k6's may not get; k6 ends by itself, whatever becomes
  // of us.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const started = await new GenericContainer(image)
    .withLabels({ 'app.kubernetes.io/managed-by': 'plumbline' })
    .withNetworkMode('host')
    .withEnvironment({ ...parameters, K6_AUTO_EXTENSION_RESOLUTION: 'false' })
    .withCopyDirectoriesToContainer([{ source: SCRIPTS, target: '/load' }])
    .withCommand(['run', ...K6_FLAGS, `/load/${script}.ts`])
    .start()
  const { container: docker } = await getContainerRuntimeClient()
  const container = docker.getById(started.getId())
  const said: string[] = []
  const logs = await started.logs()
  logs.on('err', (line: string) => said.splice(0, Math.max(0, said.length - 50), line))
  const gone = new Promise<void>((resolve) => logs.once('end', resolve))
  return {
    lines: createInterface({ input: logs }),
    ended: gone.then(async () => {
      const { State } = await docker.inspect(container)
      await started.stop()
      return { code: State.ExitCode, said: said.join('\n') }
    }),
    // SIGTERM, as SIGINT, has k6 answer what is under way.
    stop: () => docker.stop(container, { timeout: 20_000 }),
  }
}
