import { allAvailable, applyAll } from './apply-all.ts'
import { deploymentMark, type Component } from './component.ts'
import { readRelease, releases } from './release.ts'

export const certManager: Component = {
  name: 'cert-manager',
  after: ['lb-controller'],
  mark: deploymentMark('cert-manager', 'cert-manager'),
  objects: ({ config }) => readRelease(releases.certManager, config),
  async install({ api, config, signal }) {
    const objects = await readRelease(releases.certManager, config)
    await applyAll(api, objects, signal)
    await allAvailable(api, objects)
  },
}
