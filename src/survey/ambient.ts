import type { KubernetesObject } from '../core/object.ts'
import { absent, found, lookFor, type Fact } from './fact.ts'
import { isWaypoint } from './gateway-template.ts'
import type { Readings } from './readings.ts'
import type { Ambient } from './survey.ts'
import { workloadOf } from './workloads.ts'

/** The parts of the ambient mesh, by the labels of the pods that DaemonSets make: their names are those of releases. */
export const readAmbient = (readings: Readings): Promise<Fact<Ambient>> =>
  lookFor('the ambient mesh', async () => {
    const [daemonSets, deployments] = await Promise.all([
      readings.list('apps/v1/DaemonSet'),
      readings.list('apps/v1/Deployment'),
    ])
    const labelled = (key: string, value: string) =>
      daemonSets.find(({ spec }) => (spec?.template as KubernetesObject).metadata?.labels?.[key] === value)
    const [ztunnel, cni] = [labelled('app', 'ztunnel'), labelled('k8s-app', 'istio-cni-node')]
    const waypoints = deployments
      .filter(({ spec }) => isWaypoint(spec?.template as KubernetesObject))
      .map(({ metadata }) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }))
    if (!ztunnel && !cni && waypoints.length === 0)
      return absent('No DaemonSet makes pods with the label app=ztunnel or k8s-app=istio-cni-node.')
    return found(
      {
        ...(ztunnel ? { ztunnel: await workloadOf(ztunnel, readings) } : {}),
        ...(cni ? { cni: await workloadOf(cni, readings) } : {}),
        waypoints,
      },
      'pods with the labels app=ztunnel, k8s-app=istio-cni-node, gateway.istio.io/managed=istio.io-mesh-controller',
    )
  })
