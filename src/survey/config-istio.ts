import { parse } from 'yaml'
import { StackFailure } from '../core/problem.ts'
import { found, lookFor, maybeValue, type Fact } from './fact.ts'
import { knativeServingNamespace } from './knative-namespace.ts'
import type { Readings } from './readings.ts'
import type { KnativeGateway, LabelSelector, Ref } from './survey.ts'

/** The Gateways that net-istio puts its routes on. */
export interface KnativeGateways {
  external: KnativeGateway[]
  local: KnativeGateway[]
}

/** What the keys are read against: Knative's namespace, and net-istio's version where it is known ('1.22.0'). */
interface Reader {
  namespace: string
  version?: string | undefined
}

/**
 * Reads config-istio as net-istio does, in its old format (gateway.[NS.]NAME: SERVICE) or the new one
 * (external-gateways and local-gateways as YAML). A list that is not there has its default; an empty one means none
 * from net-istio 1.22 on, and the default before (knative-extensions/net-istio,
 * pkg/reconciler/ingress/config/istio.go).
 * @throws StackFailure where net-istio refuses the ConfigMap
 */
export function readConfigIstio(data: Record<string, string>, { namespace, version }: Reader): KnativeGateways {
  const old = Object.keys(data).filter((key) => /^(local-)?gateway\./.test(key))
  const lists = ['external-gateways', 'local-gateways'].filter((key) => key in data)
  if (old.length && lists.length) {
    throw new StackFailure(
      `ConfigMap ${namespace}/config-istio has keys of two formats, ${old[0]} and ${lists[0]}: net-istio refuses it. ` +
        'Keep one format.',
    )
  }
  const emptyIsNone = !version || !isOlder(version, '1.22')
  const read = (prefix: 'gateway' | 'local-gateway', list: string, usual: KnativeGateway): KnativeGateway[] => {
    const named = old.filter((key) => key.startsWith(`${prefix}.`))
    if (named.length) return named.map((key) => oldEntry(key.slice(prefix.length + 1), data[key] ?? '', namespace))
    const text = data[list]?.trim()
    if (!text) return [usual]
    const entries = listOf(text, `ConfigMap ${namespace}/config-istio: ${list}`)
    return entries.length || emptyIsNone ? entries : [usual]
  }
  return {
    external: read('gateway', 'external-gateways', {
      ...{ namespace, name: 'knative-ingress-gateway' },
      service: { namespace: 'istio-system', name: 'istio-ingressgateway' },
    }),
    local: read('local-gateway', 'local-gateways', {
      ...{ namespace, name: 'knative-local-gateway' },
      service: { namespace: 'istio-system', name: 'knative-local-gateway' },
    }),
  }
}

/** config-istio of the Knative that is installed, and where its values stand. */
export const readKnativeGateways = (readings: Readings): Promise<Fact<KnativeGateways>> =>
  lookFor('config-istio', async () => {
    const serving = await knativeServingNamespace(readings)
    if (!('value' in serving)) return serving
    const namespace = maybeValue(serving)!
    const map = await readings.find('v1/ConfigMap', 'config-istio', namespace)
    const controller = (await readings.list('apps/v1/Deployment')).find(
      ({ metadata }) => metadata?.labels?.['networking.knative.dev/ingress-provider'] === 'istio',
    )
    const version = controller?.metadata?.labels?.['app.kubernetes.io/version']
    const data = (map?.data ?? {}) as Record<string, string>
    const isSet = Object.keys(data).some((key) => /gateway/.test(key))
    const setting = map ? (isSet ? '' : ' (its defaults)') : ' does not exist: defaults'
    const by = `ConfigMap ${namespace}/config-istio${setting}`
    return found(readConfigIstio(data, { namespace, version }), by)
  })

const oldEntry = (key: string, service: string, usual: string): KnativeGateway => {
  const [namespace = '', ...rest] = key.includes('.') ? key.split('.') : [usual, key]
  return { namespace, name: rest.join('.'), service: serviceOf(service) }
}

function listOf(text: string, where: string): KnativeGateway[] {
  let entries: unknown
  try {
    entries = parse(text)
  } catch (problem) {
    throw new StackFailure(`${where} is not YAML: ${String((problem as Error).message).split('\n')[0]}`)
  }
  if (entries === null) return []
  if (!Array.isArray(entries)) throw new StackFailure(`${where} is not a list: net-istio refuses it.`)
  return (entries as Entry[]).map(({ namespace = '', name = '', service = '', labelSelector }) => ({
    ...{ namespace, name, service: serviceOf(service) },
    ...(labelSelector ? { labelSelector } : {}),
  }))
}

interface Entry {
  namespace?: string
  name?: string
  service?: string
  labelSelector?: LabelSelector
}

/** The Service of a full DNS name: its first two labels. */
function serviceOf(fqdn: string): Ref {
  const [name = '', namespace = ''] = fqdn.trim().split('.')
  return { namespace, name }
}

/** Whether a version is older than another, by its first two numbers. */
function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => text.replace(/^v/, '').split('.').map(Number)
  const [[major = 0, minor = 0], [thanMajor = 0, thanMinor = 0]] = [numbers(version), numbers(than)]
  return major < thanMajor || (major === thanMajor && minor < thanMinor)
}
