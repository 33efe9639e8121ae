import { parse } from 'yaml'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { VISIBILITY } from './kinds.ts'
import { readConfig } from './settings.ts'

type Labels = Readonly<Record<string, string>>

/** What the host names in the cluster end with. */
export const localDomain = (objects: Objects): string => `svc.${objects.layout.clusterDomain}`

/** Whether a host is one of the cluster. */
export const isLocal = (objects: Objects, host: string): boolean => host.endsWith(`.${localDomain(objects)}`)

/**
 * The domain of config-domain for a Route's labels: the one with the most labels of its selector matching, then the
 * first by name; the cluster's where none is for all (pkg/reconciler/route/config/domain.go).
 */
function domainFor(objects: Objects, labels: Labels): string {
  const candidates = Object.entries(readConfig(objects, 'config-domain'))
    .map(([domain, text]) => ({
      domain,
      selector: (parse(text || '{}') as { selector?: Labels } | null)?.selector ?? {},
    }))
    .filter(({ selector }) => Object.entries(selector).every(([key, value]) => labels[key] === value))
    .toSorted(
      (a, b) => Object.keys(b.selector).length - Object.keys(a.selector).length || a.domain.localeCompare(b.domain),
    )
  return candidates[0]?.domain ?? localDomain(objects)
}

/** A Go template of config-network, filled in: fields, and `index .Annotations "x"`. */
function fillIn(template: string, fields: Labels, maps: Record<string, Labels>): string {
  return template
    .replace(/\{\{-?\s*\.(\w+)\s*-?\}\}/g, (_, name: string) => fields[name] ?? '<no value>')
    .replace(/\{\{-?\s*index\s+\.(\w+)\s+"([^"]+)"\s*-?\}\}/g, (_, map: string, key: string) => maps[map]?.[key] ?? '')
}

/** The host of a Route, or of a tag of it, by config-domain and config-network. */
export function hostOf(objects: Objects, route: KubeObject, tag?: string): string {
  const { name, namespace = '', labels = {}, annotations = {} } = route.metadata
  const { 'tag-template': tags, 'domain-template': template } = readConfig(objects, 'config-network')
  const full = tag ? fillIn(tags ?? '{{.Tag}}-{{.Name}}', { Tag: tag, Name: name }, {}) : name
  const domain = labels[VISIBILITY] === 'cluster-local' ? localDomain(objects) : domainFor(objects, labels)
  // In the cluster DNS has the last word.
  if (domain.startsWith('svc.')) return `${full}.${namespace}.${domain}`
  return fillIn(
    template ?? '{{.Name}}.{{.Namespace}}.{{.Domain}}',
    { Name: full, Namespace: namespace, Domain: domain },
    { Labels: labels, Annotations: annotations },
  )
}
