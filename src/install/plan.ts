import pLimit from 'p-limit'
import type { ObjectId } from '../kube/object-id.ts'
import { StackFailure } from '../core/problem.ts'
import type { Component, ComponentName, InstallContext } from './component.ts'
import { idOf, type MadeRecord } from './made-record.ts'

const AT_ONCE = 8

/** What an `up` would do with one component. */
export interface PlannedComponent {
  name: ComponentName
  /** It is there, and not by us: it stays as it is. */
  stays: boolean
  /** What is not there yet, and what is and would be applied over. */
  create: ObjectId[]
  keep: ObjectId[]
}

/** Looks what of each component is there, and changes nothing. */
export async function planComponents(
  components: readonly Component[],
  context: InstallContext,
  made: MadeRecord,
): Promise<PlannedComponent[]> {
  return Promise.all(components.map((component) => planComponent(component, context, made)))
}

async function planComponent(
  component: Component,
  context: InstallContext,
  made: MadeRecord,
): Promise<PlannedComponent> {
  const ours = made.components.find((each) => each.component === component.name)
  const there = await isThere(context, component.mark)
  if (there && !ours) return { name: component.name, stays: true, create: [], keep: [] }
  const ids = (await component.objects(context)).map(idOf)
  const limit = pLimit(AT_ONCE)
  const found = await Promise.all(ids.map((id) => limit(() => isThere(context, id))))
  return {
    name: component.name,
    stays: false,
    create: ids.filter((_, at) => !found[at]),
    keep: ids.filter((_, at) => found[at]),
  }
}

/** Whether an object is there; one whose kind is not served yet is not. */
async function isThere({ api }: InstallContext, { kind, name, namespace }: ObjectId): Promise<boolean> {
  try {
    return (await api.find(kind, name, namespace)) !== undefined
  } catch (problem) {
    if (problem instanceof StackFailure && problem.message.startsWith('The cluster does not serve')) return false
    throw problem
  }
}
