import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import { namesIn, readManifest } from './manifest.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures')
// What Plumbline installs is not its own; nothing of it has pods.
const ours = globSync('{agent,app,chaos,knative,load,logs,mesh,rollout,tls}/*.yaml', { cwd: FOLDER })

/** What is filled in where a text alone is not YAML. */
const VALUES: Record<string, string> = { args: '[]', env: '[]', gatewayLabels: '{}' }

/** The pod specs in a manifest, with every value filled in. */
function podSpecs(path: string): KubernetesObject[] {
  const values = Object.fromEntries(namesIn(path).map((name) => [name, VALUES[name] ?? '1']))
  return readManifest(path, values).flatMap(({ kind, spec }) =>
    kind === 'Pod' ? [spec] : spec?.template?.spec ? [spec.template.spec] : [],
  ) as KubernetesObject[]
}

describe('every container of ours', () => {
  const containers = ours.flatMap((path) =>
    podSpecs(path).flatMap(({ containers = [], initContainers = [] }) =>
      [...containers, ...initContainers].map((container: KubernetesObject) => ({ path, container })),
    ),
  )

  test.each(containers)('is allowed by PodSecurity restricted: $container.name of $path', ({ container }) => {
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext.runAsUser).toBeGreaterThan(0)
  })

  test.each(containers)('has the resources that a quota counts: $container.name of $path', ({ container }) => {
    for (const bound of ['requests', 'limits'])
      expect(Object.keys(container.resources[bound] ?? {}), bound).toEqual(['cpu', 'memory'])
  })
})
