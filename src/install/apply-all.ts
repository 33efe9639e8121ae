import { createHash } from 'node:crypto'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { ApiRefusal } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { kindOf } from '../kube/object-id.ts'
import { allTrue, until } from '../kube/until.ts'

const AT_ONCE = 8

/**
 * Applies the objects of a release in the order that lets each be accepted: namespaces, CRDs (until they are
 * Established), the rest. An object whose kind is not served yet, or whose webhook does not answer yet, is applied
 * again until it is: a release's own webhook starts with the very manifest that it guards.
 */
export async function applyAll(api: Kubernetes, objects: KubernetesObject[], signal: AbortSignal): Promise<void> {
  const namespaces = objects.filter((object) => object.kind === 'Namespace')
  const crds = objects.filter((object) => object.kind === 'CustomResourceDefinition')
  const rest = objects.filter((object) => object.kind !== 'Namespace' && object.kind !== 'CustomResourceDefinition')
  await inTurns(namespaces, (object) => applyPatiently(api, object, signal))
  await inTurns(crds, (object) => applyPatiently(api, object, signal))
  await Promise.all(
    crds.map((crd) =>
      until(
        api,
        { kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition', name: crd.metadata?.name ?? '' },
        allTrue('Established'),
        'componentAvailable',
      ),
    ),
  )
  if (crds.length) api.served.forget()
  await inTurns(rest, (object) => applyPatiently(api, object, signal))
}

/** Waits until every Deployment and DaemonSet among the objects is available. */
export async function allAvailable(api: Kubernetes, objects: KubernetesObject[]): Promise<void> {
  await Promise.all(
    objects.map(async (object) => {
      const { name = '', namespace } = object.metadata ?? {}
      if (object.kind === 'Deployment')
        return until(api, { kind: 'apps/v1/Deployment', namespace, name }, allTrue('Available'), 'componentAvailable')
      if (object.kind === 'DaemonSet')
        return until(api, { kind: 'apps/v1/DaemonSet', namespace, name }, daemonsReady, 'componentAvailable')
      return []
    }),
  )
}

function daemonsReady(objects: KubernetesObject[]): string | undefined {
  const { numberReady = 0, desiredNumberScheduled = 0 } = (objects[0]?.status ?? {}) as {
    numberReady?: number
    desiredNumberScheduled?: number
  }
  return desiredNumberScheduled > 0 && numberReady === desiredNumberScheduled
    ? undefined
    : `${numberReady} of ${desiredNumberScheduled} pods Ready`
}

async function inTurns(objects: KubernetesObject[], apply: (object: KubernetesObject) => Promise<void>): Promise<void> {
  const queue = objects.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const object of queue) await apply(object)
    }),
  )
}

/** Applies one object, again while the cluster is not ready for it. */
export async function applyPatiently(api: Kubernetes, object: KubernetesObject, signal: AbortSignal): Promise<void> {
  const ends = performance.now() + deadline('componentAvailable')
  for (;;) {
    signal.throwIfAborted()
    try {
      if (/^(Mutating|Validating)WebhookConfiguration$/.test(object.kind ?? '')) await applyOnce(api, object)
      else await api.apply(object)
      return
    } catch (problem) {
      if (!notReadyYet(problem) || performance.now() > ends) throw problem
      api.served.forget()
      // There is nothing to watch for "the webhook answers": its endpoints are ready a moment before it does.
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

const notReadyYet = (problem: unknown): boolean =>
  (problem instanceof StackFailure && problem.message.startsWith('The cluster does not serve')) ||
  (problem instanceof ApiRefusal &&
    (/failed calling webhook|no endpoints available|connection refused/.test(problem.message) ||
      (problem.status.code === 404 &&
        /namespaces? "[^"]+" not found|could not find the requested resource/.test(problem.message))))

const MARK = 'plumbline.dev/manifest'

/**
 * Applies an object only where it was not applied in this form before: the controllers behind admission webhooks
 * complete their configurations (rules, CA bundle), and applying again would take that away until they notice.
 */
async function applyOnce(api: Kubernetes, object: KubernetesObject): Promise<void> {
  const hash = fingerprint(object)
  const there = await api.find(kindOf(object), object.metadata?.name ?? '')
  if (there?.metadata?.annotations?.[MARK] === hash) return
  await api.apply({
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [MARK]: hash } },
  })
}

/** A short hash of anything that JSON can hold. */
export const fingerprint = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)
