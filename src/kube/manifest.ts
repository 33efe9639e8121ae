import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { KubernetesObject } from '../core/object.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures')

/**
 * Reads the objects of a manifest: a path in fixtures/, or an absolute one. `${name}` in it becomes the value of that
 * name. YAML is read as version 1.1, as Kubernetes does (0644 is octal, yes is true).
 * @throws Error naming the file, for broken YAML or a name without a value
 */
export function readManifest(path: string, values: Record<string, string | number> = {}): KubernetesObject[] {
  const file = isAbsolute(path) ? path : join(FIXTURES, path)
  const text = readFileSync(file, 'utf8')
  return parseManifest(isAbsolute(path) ? text : fill(text, values, path), path)
}

/** The names of the values that a manifest of fixtures/ asks for. */
export const namesIn = (path: string): string[] => [
  ...new Set([...readFixture(path).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!)),
]

/** The full path of a file in fixtures/. */
export const fixturePath = (path: string): string => join(FIXTURES, path)

/** The text of a file in fixtures/. */
export const readFixture = (path: string): string => readFileSync(join(FIXTURES, path), 'utf8')

/** Reads the objects of a manifest's text; `from` names it in an error. */
export function parseManifest(text: string, from: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, { version: '1.1' })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const broken = document.errors[0]
    if (broken) throw new Error(`${from} is not YAML: ${broken.message.split('\n')[0]}`)
    const object = document.toJS() as KubernetesObject | null
    if (!object) return []
    return object.kind === 'List' ? (object.items as KubernetesObject[]) : [object]
  })
}

function fill(text: string, values: Record<string, string | number>, path: string): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path} asks for a value of ${name}`)
    return String(value)
  })
}
