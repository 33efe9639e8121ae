import { coerce } from 'semver'
import { UsageProblem } from '../core/problem.ts'
import { USUAL_DOMAIN, VERSIONED, type Versioned } from './bring-schema.ts'
import { ANY } from './expect-schema.ts'
import type { StackConfig } from './stack-schema.ts'
import { plainVersion } from './supported-versions.ts'
import { nameOfKey, placeOf, type YamlFile } from './yaml-place.ts'

/** Whether a version is the one that is wanted: 1.34 is each of its patches, and a vendor's suffix does not matter. */
export function isVersion(found: string, wanted: string): boolean {
  const parts = /^v?(\d+\.\d+)(\.\d+)?/.exec(wanted)
  if (parts && parts[2] === undefined) {
    const { major, minor } = coerce(found) ?? {}
    return `${major}.${minor}` === parts[1]
  }
  return plainVersion(found) === plainVersion(wanted)
}

/** The sentence about a version that is not the one expected. */
export const otherVersion = (what: string, found: string, component: Versioned, wanted: string): string =>
  `${what}: found version ${found}, expected ${wanted} (expect.versions.${component} of stack.yaml)`

/**
 * The stack with all that is expected of it: what stack.yaml says, and what Plumbline brings to this target.
 * @throws UsageProblem for an expectation that what is brought cannot meet; it names both keys
 */
export function withExpectations(config: StackConfig, file: YamlFile): StackConfig {
  const { bring, expect, target } = config
  if (target === 'existing') return { ...config, expect: { ...expect, versions: withoutAny(expect.versions) } }
  const isMade = target === 'kind' || target === 'twin'
  const brought = VERSIONED.filter((name) => isMade || name !== 'kubernetes')
  for (const name of brought) {
    const [wanted, installed] = [expect.versions[name], bring.versions[name]]
    if (wanted && wanted !== ANY && installed && !isVersion(installed, wanted))
      throw contradiction(['versions', name], wanted, `is ${installed}`, config, file)
  }
  if (expect.domain && bring.domain && expect.domain !== bring.domain)
    throw contradiction(['domain'], expect.domain, `is ${bring.domain}`, config, file)
  if (isMade && expect.zones !== undefined && expect.zones !== bring.zones.length)
    throw contradiction(['zones'], expect.zones, `has ${bring.zones.length}`, config, file)
  const versions = Object.fromEntries(brought.map((name) => [name, bring.versions[name]]))
  const domain = expect.domain ?? bring.domain ?? (isMade ? USUAL_DOMAIN : undefined)
  const zones = expect.zones ?? (isMade ? bring.zones.length : undefined)
  return {
    ...config,
    expect: {
      ...expect,
      versions: withoutAny({ ...versions, ...expect.versions }),
      ...(domain ? { domain } : {}),
      ...(zones === undefined ? {} : { zones }),
      // The gateway that up installs asks for an internal load balancer.
      nlb: { ...expect.nlb, ...(target === 'kind' ? {} : { scheme: expect.nlb.scheme ?? 'internal' }) },
    },
  }
}

const withoutAny = (versions: StackConfig['expect']['versions']): StackConfig['expect']['versions'] =>
  Object.fromEntries(Object.entries(versions).filter(([, version]) => version && version !== ANY))

function contradiction(
  keys: string[],
  wanted: string | number,
  brought: string,
  { target }: StackConfig,
  file: YamlFile,
): UsageProblem {
  const name = nameOfKey(keys)
  return new UsageProblem(
    `${placeOf(['expect', ...keys], file)}: expect.${name} is ${wanted}, but bring.${name} ${brought}: ` +
      `the target ${target} gets what bring says. Make them agree, or leave expect.${name} out.`,
  )
}
