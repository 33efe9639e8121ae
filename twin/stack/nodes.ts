import { timestamp, type KubeObject } from '../api/object.ts'
import type { Network } from '../network.ts'

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID'],
  ['Ready', 'True', 'KubeletReady'],
] as const

/** The nodes: a control plane that takes no work, and a worker in each zone. */
export function nodes(network: Network, zones: readonly string[], version: string): KubeObject[] {
  const workers = zones.map((zone, at) => ({ name: `plumbline-worker${at === 0 ? '' : at + 1}`, zone }))
  return [{ name: 'plumbline-control-plane', zone: undefined }, ...workers].map(({ name, zone }, at) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...(zone ? { 'topology.kubernetes.io/zone': zone } : { 'node-role.kubernetes.io/control-plane': '' }),
      },
    },
    spec: zone ? {} : { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
    status: {
      addresses: [
        { type: 'InternalIP', address: network.nodeAddress(at) },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '8', memory: '16Gi', pods: '110' },
      allocatable: { cpu: '8', memory: '16Gi', pods: '110' },
      nodeInfo: {
        kubeletVersion: `v${version}`,
        kubeProxyVersion: `v${version}`,
        osImage: 'Plumbline twin',
        containerRuntimeVersion: 'twin://1',
        kernelVersion: '0',
        architecture: 'amd64',
        operatingSystem: 'linux',
        bootID: 'twin',
        machineID: name,
        systemUUID: name,
      },
      conditions: CONDITIONS.map(([type, status, reason]) => ({
        type,
        status,
        reason,
        message: reason,
        lastHeartbeatTime: timestamp(),
        lastTransitionTime: timestamp(),
      })),
    },
  }))
}
