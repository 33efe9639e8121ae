import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { UsageProblem } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { parseManifest } from '../kube/manifest.ts'

/** A release of a chart of the charts' folder. */
export interface Release {
  /** The chart's folder in that of --charts. */
  chart: string
  name: string
  namespace: string
  values?: object
}

/**
 * The objects of a release, as helm would install them on that version of Kubernetes.
 * @throws UsageProblem where the chart or helm is missing, or helm does not render it
 */
export async function renderRelease(
  charts: string | undefined,
  release: Release,
  kubernetes: string,
): Promise<KubernetesObject[]> {
  const { chart, name, namespace, values = {} } = release
  const folder = join(charts ?? '', chart)
  if (!charts || !existsSync(folder))
    throw new UsageProblem(
      `The chart ${chart} was not found${charts ? ` in ${charts}` : ''}: ` +
        'name the folder that has it by --charts or PLUMBLINE_CHARTS.',
    )
  const args = ['template', name, folder, '--namespace', namespace, '--kube-version', kubernetes, '--values', '-']
  const done = await execa('helm', args, { input: stringify(values), reject: false })
  if (done.failed) throw new UsageProblem(`helm could not render ${folder}: ${done.stderr || done.shortMessage}`)
  return parseManifest(done.stdout, `helm template ${chart}`).map((object) => ({
    ...object,
    ...(isNamespaced(object) ? { metadata: { namespace, ...object.metadata } } : {}),
  }))
}

// The kinds without a namespace that charts of the stack have.
const CLUSTER_WIDE =
  /^(Namespace|Cluster.*|CustomResourceDefinition|.*WebhookConfiguration|.*AdmissionPolicy.*|.*Class)$/

const isNamespaced = ({ kind = '' }: KubernetesObject): boolean => !CLUSTER_WIDE.test(kind)
