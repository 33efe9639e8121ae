import type { KubernetesObject } from '../core/object.ts'

/** A container of a pod template, as far as a survey reads it. */
export interface Container {
  name: string
  image?: string
  args?: string[]
  env?: { name: string; value?: string }[]
}

/** The containers of a workload's pods. */
export const containersOf = (workload: KubernetesObject): Container[] =>
  (workload.spec?.template?.spec?.containers ?? []) as Container[]

/** The value of an argument, in either form: `--domain x` or `--domain=x`. */
export function argumentOf(args: readonly string[] | undefined, name: string): string | undefined {
  const at = (args ?? []).findIndex((each) => each === name || each.startsWith(`${name}=`))
  const argument = args?.[at]
  if (argument === undefined) return undefined
  return argument.includes('=') ? argument.slice(name.length + 1) : args?.[at + 1]
}
