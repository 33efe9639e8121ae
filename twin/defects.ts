import type { Objects } from './api/objects.ts'
import { AWS_ANSWERS, AWS_DEFECTS } from './aws/defects.ts'
import { AwsHooks } from './aws/hooks.ts'
import { CERT_MANAGER_DEFECTS } from './cert-manager/defects.ts'
import { CertManagerHooks } from './cert-manager/hooks.ts'
import { KUBERNETES_DEFECTS } from './cluster/defects.ts'
import { KubernetesHooks } from './cluster/hooks.ts'
import { DEFECT_RESOURCE, type ComponentDefects, type DefectState } from './hook.ts'
import { ISTIO_DEFECTS, ISTIOCTL_DEFECTS } from './istio/defects.ts'
import { IstioHooks } from './istio/hooks.ts'
import { KNATIVE_DEFECTS } from './knative/defects.ts'
import { KnativeHooks } from './knative/hooks.ts'
import { MONITORING_DEFECTS } from './monitoring/defects.ts'
import { MonitoringHooks } from './monitoring/hooks.ts'

/** Every defect of the twin by name: faults that no API of a real cluster can cause. */
export const DEFECTS = {
  ...KUBERNETES_DEFECTS,
  ...ISTIO_DEFECTS,
  ...ISTIOCTL_DEFECTS,
  ...KNATIVE_DEFECTS,
  ...CERT_MANAGER_DEFECTS,
  ...MONITORING_DEFECTS,
  ...AWS_DEFECTS,
}

/** The hooks of one twin's components. */
export interface TwinHooks {
  kubernetes: KubernetesHooks
  istio: IstioHooks
  knative: KnativeHooks
  certManager: CertManagerHooks
  monitoring: MonitoringHooks
  aws: AwsHooks
}

/** Makes the hooks of a twin and registers every defect: it is in force while a Defect object of its name exists. */
export function hooksOf(objects: Objects): TwinHooks {
  const stateOf = (name: string): DefectState => ({
    get isActive() {
      return objects.get(DEFECT_RESOURCE, name) !== undefined
    },
    get since() {
      const created = objects.get(DEFECT_RESOURCE, name)?.metadata.creationTimestamp
      return created === undefined ? undefined : Date.parse(created)
    },
  })
  const register = <Hooks>(hooks: Hooks, defects: ComponentDefects<Hooks>): Hooks => {
    for (const [name, registerDefect] of Object.entries(defects)) registerDefect(hooks, stateOf(name))
    return hooks
  }
  return {
    kubernetes: register(new KubernetesHooks(), KUBERNETES_DEFECTS),
    istio: register(new IstioHooks(), ISTIO_DEFECTS),
    knative: register(new KnativeHooks(), KNATIVE_DEFECTS),
    certManager: register(new CertManagerHooks(), CERT_MANAGER_DEFECTS),
    monitoring: register(new MonitoringHooks(), MONITORING_DEFECTS),
    aws: register(new AwsHooks(), { ...AWS_DEFECTS, ...AWS_ANSWERS }),
  }
}
