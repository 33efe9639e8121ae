import type { StackConfig } from '../config/stack-schema.ts'
import { GATEWAY } from '../install/istio.ts'
import type { ObjectId } from '../kube/object-id.ts'
import type { EksDownPlan } from '../targets/eks-down.ts'
import type { EksPlan } from '../targets/eks-stack.ts'
import { counted } from '../core/counted.ts'

const line = (what: string, thing: string, undoing: string): string =>
  `  ${what.padEnd(7)} ${thing.padEnd(90)} ${undoing}`.trimEnd()

const named = ({ kind, name, namespace }: ObjectId): string =>
  `${kind.split('/').at(-1)} ${namespace ? `${namespace}/` : ''}${name}`

/** The lines of a plan: every change that an `up` would make, and what undoes it. */
export function tellPlan(plan: EksPlan, { expect }: StackConfig): string[] {
  const creates = plan.components.reduce((sum, { create }) => sum + create.length, 0)
  return [
    `plan for the EKS cluster ${plan.cluster}, as ${plan.caller}; nothing is changed`,
    '',
    ...(plan.association
      ? [
          'AWS',
          line(
            'create',
            `Pod Identity association kube-system/aws-load-balancer-controller -> ${plan.association}`,
            'down deletes it',
          ),
        ]
      : []),
    ...plan.components.flatMap(({ name, stays, create, keep }) =>
      stays
        ? [name, line('keep', 'it is there, and not by plumbline', 'down leaves it')]
        : [
            `${name}: ${create.length} to create, ${keep.length} there`,
            ...create.map((id) => line('create', named(id), 'down deletes it')),
            ...keep.map((id) => line('apply', named(id), 'down deletes it only if an up has made it')),
          ],
    ),
    ...(plan.balancer
      ? [
          'AWS, by the controller',
          line(
            'create',
            `network load balancer (${expect.nlb.scheme}) of Service ${GATEWAY.namespace}/${GATEWAY.name}, ` +
              'with a listener and a target group per port',
            'down deletes the Service first, and waits until AWS has deleted them',
          ),
        ]
      : []),
    '',
    `${counted(creates, 'object')} to create${plan.balancer ? ', and a load balancer' : ''}`,
  ]
}

/** The lines of a plan: what a `down` would delete, and what it would leave to those who depend on it. */
export function tellDownPlan(plan: EksDownPlan): string[] {
  const removed = plan.components.reduce((sum, { remove }) => sum + remove.length, 0)
  const kept = plan.components.reduce((sum, { keep }) => sum + keep.length, 0)
  return [
    `plan for the EKS cluster ${plan.cluster}, as ${plan.caller}`,
    '',
    ...(plan.association ? ['AWS', line('delete', `Pod Identity association ${plan.association}`, '')] : []),
    ...(plan.balancer
      ? [
          'AWS, by the controller',
          line('delete', `load balancer of Service ${plan.balancer}, with its target groups`, ''),
        ]
      : []),
    ...plan.components.flatMap(({ name, remove, keep }) => [
      `${name}: ${remove.length} to delete, ${keep.length} to keep`,
      ...remove.map((id) => line('delete', named(id), '')),
      ...keep.map(({ object, why }) => line('keep', named(object), why)),
    ]),
    '',
    `${counted(removed, 'object')} to delete${plan.balancer ? ', and a load balancer' : ''}` +
      (kept ? `; ${kept} to keep` : ''),
  ]
}
