import { allAvailable, applyAll } from './apply-all.ts'
import type { Component } from './component.ts'
import { readRelease, releases } from './release.ts'

export const certManager: Component = {
  name: 'cert-manager',
  after: [],
  async install({ api, config, signal }) {
    const objects = await readRelease(releases.certManager, config)
    await applyAll(api, objects, signal)
    await allAvailable(api, objects)
  },
}
