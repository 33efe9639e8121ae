import { Refusal, type Webhook } from '../api/admission.ts'
import type { AdmissionRequest } from '../api/admission-request.ts'
import { same, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { goDuration } from '../go-duration.ts'
import { annotation, readConfig } from './settings.ts'
import { LABEL } from './kinds.ts'

type Annotations = Readonly<Record<string, string>>

/**
 * Knative's admission webhook: sets defaults, and refuses in the words of pkg/apis/serving and pkg/apis/autoscaling.
 */
export function knativeWebhook(objects: Objects): Webhook {
  return (path, request) => {
    if (path === '/defaulting') return withDefaults(request)
    const problem =
      path === '/config-validation'
        ? configProblem(request, objects.layout.knative.namespace)
        : path === '/resource-validation'
          ? problemOf(objects, request)
          : undefined
    if (problem) throw new Refusal(`validation failed: ${problem}`)
    return undefined
  }
}

const isServing = ({ resource }: AdmissionRequest): boolean => resource.group === LABEL

function withDefaults(request: AdmissionRequest): KubeObject | undefined {
  const { object, old, user, operation } = request
  if (!isServing(request) || request.subresource || operation === 'DELETE') return undefined
  const next = structuredClone(object)
  if (['Service', 'Configuration', 'Route'].includes(object.kind)) {
    const changed = !old || !same(old.spec, object.spec)
    const creator = old?.metadata.annotations?.[`${LABEL}/creator`] ?? user
    next.metadata.annotations = {
      ...next.metadata.annotations,
      [`${LABEL}/creator`]: creator,
      [`${LABEL}/lastModifier`]: changed ? user : (old?.metadata.annotations?.[`${LABEL}/lastModifier`] ?? user),
    }
  }
  if (object.kind === 'Service') next.spec.traffic ??= [{ latestRevision: true, percent: 100 }]
  const spec = object.kind === 'Revision' ? next.spec : next.spec?.template?.spec
  if (spec) {
    spec.containerConcurrency ??= 0
    spec.timeoutSeconds ??= 300
    spec.enableServiceLinks ??= false
    for (const [at, container] of ((spec.containers ?? []) as KubeObject['spec'][]).entries()) {
      container.name ??= spec.containers.length === 1 ? 'user-container' : `user-container-${at}`
      container.resources ??= {}
      const probe = {
        failureThreshold: 3,
        successThreshold: 1,
        timeoutSeconds: 1,
        periodSeconds: 10,
        ...container.readinessProbe,
      }
      if (!probe.httpGet && !probe.exec) probe.tcpSocket ??= { port: 0 }
      if (probe.httpGet) probe.httpGet.port ??= 0
      container.readinessProbe = probe
      for (const mount of container.volumeMounts ?? []) mount.readOnly ??= true
    }
  }
  return next
}

function problemOf(objects: Objects, request: AdmissionRequest): string | undefined {
  const { object, operation } = request
  if (!isServing(request) || operation === 'DELETE' || request.subresource) return undefined
  const own =
    object.kind === 'Revision'
      ? undefined
      : Object.keys(object.metadata.annotations ?? {}).find((key) => key.startsWith('autoscaling.knative.dev/'))
  if (own)
    return (
      `invalid key name "${own}": metadata.annotations\n` +
      'autoscaling annotations must be put under "spec.template.metadata.annotations" to work'
    )
  const problems: string[] = []
  if (object.kind === 'Service' || object.kind === 'Configuration') {
    problems.push(
      ...annotationProblems(objects, object.spec?.template?.metadata?.annotations),
      ...podSpecProblems(objects, object.spec?.template?.spec),
    )
  }
  if (object.kind === 'Service' || object.kind === 'Route') problems.push(...trafficProblems(object.spec?.traffic))
  return problems.length ? problems.join('\n') : undefined
}

const AT = 'spec.template.metadata.annotations.autoscaling.knative.dev/'

function annotationProblems(objects: Objects, annotations: Annotations | undefined): string[] {
  const problems: string[] = []
  const read = (name: string) => annotation(annotations, name)
  const integers: Record<string, number> = {}
  for (const name of ['min-scale', 'max-scale', 'initial-scale', 'activation-scale']) {
    const value = read(name)
    if (value === undefined) continue
    if (!/^\d+$/.test(value)) problems.push(`invalid value: ${value}: ${AT}${name}`)
    else integers[name] = Number(value)
  }
  const { 'min-scale': min = 0, 'max-scale': max = 0, 'initial-scale': initial } = integers
  if (max > 0 && max < min)
    problems.push(`max-scale=${max} is less than min-scale=${min}: ${AT}max-scale, ${AT}min-scale`)
  if (initial === 0 && readConfig(objects, 'config-autoscaler')['allow-zero-initial-scale'] !== 'true')
    problems.push(`invalid value: 0: ${AT}initial-scale=0 not allowed by cluster`)
  const target = read('target')
  if (target !== undefined && !(Number(target) >= 0.01))
    problems.push(
      Number.isNaN(Number(target))
        ? `invalid value: ${target}: ${AT}target`
        : `target ${target} should be at least 0.01: ${AT}target`,
    )
  const metric = read('metric')
  const scaledBy = annotation(annotations, 'class') ?? 'kpa.autoscaling.knative.dev'
  if (metric !== undefined && scaledBy.startsWith('kpa.') && !['concurrency', 'rps'].includes(metric))
    problems.push(`invalid value: ${metric}: ${AT}metric`)
  for (const [name, from, to] of [
    ['panic-window-percentage', 1, 100],
    ['panic-threshold-percentage', 110, 1000],
    ['target-utilization-percentage', 1, 100],
  ] as const) {
    const value = read(name)
    if (value === undefined) continue
    if (Number.isNaN(Number(value))) problems.push(`invalid value: ${value}: ${AT}${name}`)
    else if (Number(value) < from || Number(value) > to)
      problems.push(`expected ${from} <= ${value} <= ${to}: ${AT}${name}`)
  }
  const burst = read('target-burst-capacity')
  if (burst !== undefined && !(Number(burst) >= 0 || Number(burst) === -1))
    problems.push(`invalid value: ${burst}: ${AT}target-burst-capacity`)
  for (const [name, from, to, expected] of [
    ['window', 6000, 3_600_000, '6s <= V <= 1h0m0s'],
    ['scale-to-zero-pod-retention-period', 0, 3_600_000, '0s <= V <= 1h0m0s'],
    ['scale-down-delay', 0, 3_600_000, '0s <= V <= 1h0m0s'],
  ] as const) {
    const value = read(name)
    if (value === undefined) continue
    const ms = goDuration(value)
    if (ms === undefined) problems.push(`invalid value: ${value}: ${AT}${name}`)
    else if (ms < from || ms > to) problems.push(`expected ${expected.replace('V', value)}: ${AT}${name}`)
  }
  return problems
}

// Fields of a pod that Knative accepts only if config-features allows them (pkg/apis/serving/fieldmask.go).
const GATED: Record<string, string> = {
  affinity: 'affinity',
  hostNetwork: 'hostnetwork',
  nodeSelector: 'nodeselector',
  tolerations: 'tolerations',
  topologySpreadConstraints: 'topologyspreadconstraints',
  priorityClassName: 'priorityclassname',
  schedulerName: 'schedulername',
  dnsPolicy: 'dnspolicy',
  hostIPC: 'hostipc',
  hostPID: 'hostpid',
}

function podSpecProblems(objects: Objects, spec: KubeObject['spec']): string[] {
  if (!spec) return ['missing field(s): spec.template.spec.containers']
  const features = readConfig(objects, 'config-features')
  const forbidden = Object.entries(GATED).filter(
    ([field, feature]) =>
      field in spec && !['enabled', 'allowed'].includes(features[`kubernetes.podspec-${feature}`] ?? 'disabled'),
  )
  const problems: string[] = []
  if (forbidden.length)
    problems.push(
      `must not set the field(s): ${forbidden
        .map(([field]) => `spec.template.spec.${field}`)
        .toSorted()
        .join(', ')}`,
    )
  const {
    containerConcurrency = 0,
    timeoutSeconds = 300,
    containers = [],
  } = spec as { containerConcurrency?: number; timeoutSeconds?: number; containers?: KubeObject['spec'][] }
  if (containerConcurrency < 0 || containerConcurrency > 1000)
    problems.push(`expected 0 <= ${containerConcurrency} <= 1000: spec.template.spec.containerConcurrency`)
  const most = Number(readConfig(objects, 'config-defaults')['max-revision-timeout-seconds'] ?? 600)
  if (timeoutSeconds < 0 || timeoutSeconds > most)
    problems.push(`expected 0 <= ${timeoutSeconds} <= ${most}: spec.template.spec.timeoutSeconds`)
  if (containers.length === 0) problems.push('missing field(s): spec.template.spec.containers')
  for (const [at, container] of containers.entries())
    if (!container.image) problems.push(`missing field(s): spec.template.spec.containers[${at}].image`)
  if (containers.flatMap((each) => (each.ports ?? []) as unknown[]).length > 1)
    problems.push(
      'more than one container port is set: spec.template.spec.containers[*].ports\n' +
        'Only a single port is allowed across all containers',
    )
  return problems
}

interface Target {
  percent?: number
  latestRevision?: boolean
  revisionName?: string
  configurationName?: string
  tag?: string
}

function trafficProblems(traffic: Target[] | undefined): string[] {
  if (!traffic?.length) return []
  const problems: string[] = []
  for (const [at, target] of traffic.entries()) {
    if (target.revisionName && target.latestRevision)
      problems.push(
        `may not set revisionName "${target.revisionName}" when latestRevision is true: ` +
          `spec.traffic[${at}].latestRevision`,
      )
    if (target.percent !== undefined && (target.percent < 0 || target.percent > 100))
      problems.push(`expected 0 <= ${target.percent} <= 100: spec.traffic[${at}].percent`)
  }
  const tags = traffic.map(({ tag }) => tag).filter((tag) => tag !== undefined)
  const double = tags.find((tag, at) => tags.indexOf(tag) !== at)
  if (double)
    problems.push(
      `Multiple definitions for "${double}": ` +
        `spec.traffic[${traffic.findIndex(({ tag }) => tag === double)}].tag, ` +
        `spec.traffic[${traffic.findLastIndex(({ tag }) => tag === double)}].tag`,
    )
  const sum = traffic.reduce((total, { percent }) => total + (percent ?? 0), 0)
  if (sum !== 100) problems.push(`Traffic targets sum to ${sum}, want 100: spec.traffic`)
  return problems
}

const EXAMPLE =
  'the update modifies a key in "_example" which is probably not what you want. ' +
  'Instead, copy the respective setting to the top-level of the ConfigMap, directly below "data"'

function configProblem({ object, old, resource }: AdmissionRequest, home: string): string | undefined {
  if (resource.id !== 'configmaps' || object.metadata.namespace !== home) return undefined
  if (
    old &&
    object.metadata.annotations?.['knative.dev/example-checksum'] &&
    object.data?._example !== old.data?._example
  )
    return EXAMPLE
  const data = (object.data ?? {}) as Record<string, string>
  if (object.metadata.name === 'config-autoscaler') return autoscalerProblem(data)
  if (object.metadata.name === 'config-gc') {
    const value = data['min-non-active-revisions']
    if (value !== undefined && value !== 'disabled' && !/^-?\d+$/.test(value))
      return (
        'failed to parse data: failed to parse "min-non-active-revisions": ' +
        `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`
      )
  }
  return undefined
}

function autoscalerProblem(data: Readonly<Record<string, string>>): string | undefined {
  for (const key of ['max-scale-down-rate', 'max-scale-up-rate']) {
    const value = data[key]
    if (value !== undefined && !(Number(value) > 1)) return `${key} = ${value}, must be greater than 1.0`
  }
  const window = data['stable-window']
  if (window !== undefined) {
    const ms = goDuration(window)
    if (ms === undefined)
      return `failed to parse data: failed to parse "stable-window": time: invalid duration ${JSON.stringify(window)}`
    if (ms < 6000 || ms > 3_600_000) return `stable-window = ${window}, must be in [6s; 1h0m0s] range`
  }
  const burst = data['target-burst-capacity']
  if (burst !== undefined && !(Number(burst) >= 0 || Number(burst) === -1))
    return `target-burst-capacity must be either non-negative or -1 (for unlimited), was: ${Number(burst).toFixed(6)}`
  return undefined
}
