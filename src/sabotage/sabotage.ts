import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Capability } from '../core/record.ts'
import type { Part } from './parts.ts'
import type { Saboteur } from './saboteur.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'sabotage')

export interface SabotageMeta {
  /** One sentence: what is wrong with the stack then. */
  breaks: string
  /** The checks that must fail, all of them; what needs one of these is blocked, and nothing else may fail. */
  fails: readonly string[]
  /** What the target must offer for it. */
  requires?: readonly Capability[]
  /** Parts whose pods are replaced once it is broken and once it is put back: they read it only at their start. */
  restarts?: readonly Part[]
  /** The same, once it is put back alone: their logs would tell of it for some time. */
  afterwards?: readonly Part[]
}

/** One fault, and the checks that must notice it. */
export interface Sabotage extends SabotageMeta {
  id: string
  /** A defect of the twin, by its name; no other target can have it. */
  defect?: string
  /** Breaks the stack; what it does goes through the journal. */
  how: (saboteur: Saboteur) => Promise<void>
}

const declared = new Map<string, Sabotage>()

/**
 * Declares a fault that is made through the Kubernetes API, so that any target can have it.
 * @throws Error if the id is taken or no check is named
 */
export function sabotage(id: string, meta: SabotageMeta, how: Sabotage['how']): void {
  declare({ ...meta, id, how })
}

/** Declares a fault that no API can cause: a defect of the twin, by its name in twin/defects.ts. */
export function defect(id: string, meta: SabotageMeta): void {
  const object = { apiVersion: 'twin.plumbline.dev/v1', kind: 'Defect', metadata: { name: id } }
  declare({ ...meta, id, defect: id, how: (saboteur) => saboteur.make(object) })
}

function declare(each: Sabotage): void {
  if (declared.has(each.id)) throw new Error(`sabotage "${each.id}" is declared twice`)
  if (each.fails.length === 0) throw new Error(`sabotage "${each.id}" names no check that must fail`)
  declared.set(each.id, each)
}

/** Loads the files of sabotage/ and gives what they declare. */
export async function loadSabotages(): Promise<Sabotage[]> {
  for (const file of globSync('*.ts', { cwd: FOLDER }).toSorted()) await import(pathToFileURL(join(FOLDER, file)).href)
  return [...declared.values()]
}
