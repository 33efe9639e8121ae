import type { KubernetesObject } from '../core/object.ts'
import type { Owner } from './survey.ts'

/** Kinds of the Sail operator, which installs Istio by its own resources. */
const SAIL = ['IstioRevision', 'IstioCNI', 'ZTunnel']
/** Controllers of Kubernetes: what they own is a part of theirs, and they change no fields of it. */
const BUILT_IN = ['ReplicaSet', 'Deployment', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob', 'Node', 'Service']

/**
 * Who put an object there, by the marks that they leave on it, and whether they undo what others change in it.
 * Undefined where it has none of these marks: kubectl, istioctl.
 */
export function ownerOf({ metadata }: KubernetesObject): Owner | undefined {
  const { labels = {}, annotations = {} } = metadata ?? {}
  const controller = ((metadata?.ownerReferences ?? []) as { kind: string; name: string; controller?: boolean }[]).find(
    (reference) => reference.controller && !BUILT_IN.includes(reference.kind),
  )
  if (controller) {
    const kind = SAIL.includes(controller.kind) ? 'sail' : 'operator'
    return { kind, name: `${controller.kind} ${controller.name}`, reverts: true }
  }
  const argo = annotations['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? labels['argocd.argoproj.io/instance']
  if (argo) return { kind: 'argocd', name: argo, reverts: true }
  const flux = labels['kustomize.toolkit.fluxcd.io/name'] ?? labels['helm.toolkit.fluxcd.io/name']
  if (flux) return { kind: 'flux', name: flux, reverts: true }
  const release = annotations['meta.helm.sh/release-name']
  return release ? { kind: 'helm', name: release, reverts: false } : undefined
}
