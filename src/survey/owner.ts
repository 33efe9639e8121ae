import type { KubernetesObject } from '../core/object.ts'
import type { Owner } from './survey.ts'

/** The kinds whose controllers reconcile what they own, and what to call these. */
const CONTROLLERS: Readonly<Record<string, Owner['kind']>> = {
  KnativeServing: 'operator',
  KnativeEventing: 'operator',
  MetalLB: 'operator',
  IstioOperator: 'operator',
  Gateway: 'operator',
  Istio: 'sail',
  IstioRevision: 'sail',
  IstioCNI: 'sail',
  ZTunnel: 'sail',
}

/**
 * Who installed an object, by its marks, and whether they put back what others change in it; undefined where it has no
 * mark. Who reverts comes before who does not: what Argo CD renders from a chart has Helm's labels too.
 */
export function ownerOf({ metadata }: KubernetesObject): Owner | undefined {
  const { labels = {}, annotations = {}, ownerReferences = [] } = metadata ?? {}
  const controller = ownerReferences.find((reference) => reference.controller && CONTROLLERS[reference.kind])
  if (controller)
    return { kind: CONTROLLERS[controller.kind]!, name: `${controller.kind} ${controller.name}`, reverts: true }
  // APPLICATION:GROUP/KIND:NAMESPACE/NAME.
  const application =
    annotations['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? labels['argocd.argoproj.io/instance']
  if (application !== undefined) return { kind: 'argocd', name: application, reverts: true }
  const flux = labels['kustomize.toolkit.fluxcd.io/name'] ?? labels['helm.toolkit.fluxcd.io/name']
  if (flux !== undefined) return { kind: 'flux', name: flux, reverts: true }
  const managers = (metadata?.managedFields ?? []) as { manager?: string }[]
  if (managers.some(({ manager }) => manager === 'eks')) return { kind: 'eks-addon', reverts: true }
  if (labels['kubernetes.azure.com/managedby'] === 'aks' || labels['addonmanager.kubernetes.io/mode'] === 'Reconcile')
    return { kind: 'aks', reverts: true }
  const release = annotations['meta.helm.sh/release-name']
  if (release !== undefined || labels['app.kubernetes.io/managed-by'] === 'Helm')
    return { kind: 'helm', ...(release === undefined ? {} : { name: release }), reverts: false }
  return undefined
}

const NAMES: Readonly<Record<Owner['kind'], string>> = {
  argocd: 'Argo CD',
  flux: 'Flux',
  helm: 'Helm',
  operator: 'an operator',
  'eks-addon': 'the EKS add-on',
  aks: 'AKS',
  sail: 'the Sail operator',
}

/** An owner in words: 'Argo CD (platform)'. */
export const describeOwner = ({ kind, name }: Owner): string => (name ? `${NAMES[kind]} (${name})` : NAMES[kind])
