/** Whether a defect is in force now, and since when, in milliseconds of the epoch. */
export interface DefectState {
  readonly isActive: boolean
  readonly since: number | undefined
}

/**
 * A named point of a component through which a value passes. The component gives its healthy value and works with what
 * comes back; it does not know whether a defect alters the value.
 */
export class Hook<Value, Context = void> {
  readonly #alterations: { defect: DefectState; alter: (value: Value, context: Context) => Value }[] = []

  /** Alters the value by a function for as long as a defect is in force. */
  alter(defect: DefectState, alter: (value: Value, context: Context) => Value): void {
    this.#alterations.push({ defect, alter })
  }

  /** Gives the value as the defects that are in force leave it: unchanged where none is. */
  apply(value: Value, context: Context): Value {
    return this.#alterations
      .filter(({ defect }) => defect.isActive)
      .reduce((altered, { alter }) => alter(altered, context), value)
  }
}

/** The defects of a component by name: each is a function that registers what it alters at the component's hooks. */
export type ComponentDefects<Hooks> = Readonly<Record<string, (hooks: Hooks, defect: DefectState) => void>>

/** The resource by whose objects defects are switched on: `kubectl create` a Defect of that name. */
export const DEFECT_RESOURCE = 'defects.twin.plumbline.dev'
