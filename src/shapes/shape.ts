import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StackOverrides } from '../config/stack-file.ts'
import type { Shaper } from './shaper.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'shapes')

/** Gives a stack its shape by the API; what it does goes through the journal. */
export type Make = (shaper: Shaper) => Promise<void>

/** How a twin gets a shape. */
export interface OnTwin {
  /** What differs from the usual layout of a twin's stack (twin/stack/layout.ts). */
  layout?: object
  make?: Make
}

/** How a kind cluster gets a shape: by the API and from the charts of --charts, or why it cannot have it. */
export type OnKind = { make: Make; charts?: readonly string[] } | { cannot: string }

export interface ShapeMeta {
  /** One sentence: how the stack is set up then, as people do, with nothing wrong about it. */
  healthy: string
  onTwin: OnTwin
  onKind: OnKind
  /** What stack.yaml needs, laid over the file; nothing where it can be found out. */
  stack?: StackOverrides
  /** The checks that are blocked or skipped then, each with the reason. */
  explained?: Readonly<Record<string, string>>
}

/** One healthy way in which people set the stack up; no check may fail on it. */
export interface Shape extends ShapeMeta {
  id: string
}

const declared = new Map<string, Shape>()

/**
 * Declares a shape.
 * @throws Error if the id is taken
 */
export function shape(id: string, meta: ShapeMeta): void {
  if (declared.has(id)) throw new Error(`shape "${id}" is declared twice`)
  declared.set(id, { ...meta, id })
}

/** The same by the API on both targets. */
export const byApi = (make: Make): Pick<ShapeMeta, 'onTwin' | 'onKind'> => ({ onTwin: { make }, onKind: { make } })

/** Loads the files of shapes/ and gives what they declare. */
export async function loadShapes(): Promise<Shape[]> {
  for (const file of globSync('*.ts', { cwd: FOLDER }).toSorted()) await import(pathToFileURL(join(FOLDER, file)).href)
  return [...declared.values()]
}
