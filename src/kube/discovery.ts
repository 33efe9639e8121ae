import { PromiseCache } from '../core/promise-cache.ts'
import { statusOf } from './errors.ts'

/** One resource of the API as discovery names it: 'pods' of kind Pod; 'pods/log' is a subresource. */
export interface ApiResource {
  name: string
  kind: string
  namespaced: boolean
}

export interface ApiGroup {
  name: string
  versions: { version: string }[]
}

/** The path that an API version is under: /api/v1, /apis/apps/v1. */
export const rootOf = (apiVersion: string): string => `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`

/**
 * What the API server serves. Each group and version is asked for once, and again after a failure; what is not there is
 * no resource, not an error.
 */
export class Discovery {
  readonly #get: (path: string) => Promise<unknown>
  readonly #resources = new PromiseCache<ApiResource[]>()
  readonly #groups = new PromiseCache<ApiGroup[]>()

  constructor(get: (path: string) => Promise<unknown>) {
    this.#get = get
  }

  /** The resource of a kind, or undefined where it is not served. */
  async resource(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    return (await this.#resourcesOf(apiVersion)).find((each) => each.kind === kind && !each.name.includes('/'))
  }

  /**
   * The versions that a CRD is served in, by its name (PLURAL.GROUP); none where it is missing or not Established.
   * To LIST the CRDs instead would bring megabytes of their schemas.
   */
  async versionsOf(crd: string): Promise<string[]> {
    const [plural = '', ...rest] = crd.split('.')
    const group = (await this.groups()).find(({ name }) => name === rest.join('.'))
    const versions = (group?.versions ?? []).map(({ version }) => version)
    const served = await Promise.all(
      versions.map(async (version) =>
        (await this.#resourcesOf(`${group?.name}/${version}`)).some(({ name }) => name === plural),
      ),
    )
    return versions.filter((_, at) => served[at])
  }

  /** The API groups. */
  groups(): Promise<ApiGroup[]> {
    return this.#groups.get('', async () => ((await this.#get('/apis')) as { groups: ApiGroup[] }).groups)
  }

  /** Forgets all of it: a CRD may have come since. */
  forget(): void {
    this.#resources.clear()
    this.#groups.clear()
  }

  #resourcesOf(apiVersion: string): Promise<ApiResource[]> {
    return this.#resources
      .get(apiVersion, async () => ((await this.#get(rootOf(apiVersion))) as { resources: ApiResource[] }).resources)
      .catch((problem: unknown) => {
        if (statusOf(problem)?.code === 404) return []
        throw problem
      })
  }
}
