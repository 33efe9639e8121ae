import type { RunInfo } from '../config/run-info.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { zoneOf } from '../kube/nodes.ts'
import { conditionOf } from '../kube/until.ts'
import { componentVersions } from '../survey/component-versions.ts'
import { readSurveyFile } from '../survey/survey-file.ts'
import type { Report } from './report-schema.ts'

/** What the report says of the cluster itself. */
export type ClusterFacts = Pick<Report, 'versions' | 'topology'>

/**
 * The versions that were found before the checks, and the nodes as they are now. What cannot be read is left out: the
 * checks say why.
 */
export async function readClusterFacts(api: Kubernetes, run: RunInfo): Promise<ClusterFacts> {
  const nodes = await api.list('v1/Node').then(
    ({ items }) => items,
    () => [],
  )
  return { versions: versionsFound(run), topology: nodes.map(nodeFacts) }
}

function versionsFound(run: RunInfo): Report['versions'] {
  if (!run.surveyed) return {}
  try {
    return componentVersions(readSurveyFile(run.id))
  } catch {
    return {}
  }
}

function nodeFacts(node: KubernetesObject): Report['topology'][number] {
  const labels = node.metadata?.labels ?? {}
  const roles = Object.keys(labels)
    .filter((key) => key.startsWith('node-role.kubernetes.io/'))
    .map((key) => key.split('/')[1])
  return {
    node: node.metadata?.name ?? '',
    zone: zoneOf(node),
    roles: roles.join(', ') || 'worker',
    version: String(node.status?.nodeInfo?.kubeletVersion ?? ''),
    ready: conditionOf(node, 'Ready')?.status === 'True',
  }
}
