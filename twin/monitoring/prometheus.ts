import type { RequestListener } from 'node:http'
import { parse } from 'yaml'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import type { Image } from '../kubelet/container.ts'
import type { MonitoringHooks } from './hooks.ts'

interface Rule {
  alert?: string
  expr: string
}

// cert-manager has some of its own, whether there are Certificates or not (certmanager_clock_time_seconds).
const OWN_SERIES = 2

/** Prometheus: its alerting rules, and the number of series of a metric. It scrapes cert-manager only. */
export class Prometheus {
  readonly component = new Component()
  readonly #objects: Objects
  readonly #hooks: MonitoringHooks

  constructor(objects: Objects, hooks: MonitoringHooks) {
    this.#objects = objects
    this.#hooks = hooks
  }

  get image(): Image {
    return this.component.image(() => ({ 9090: this.#answer }))
  }

  readonly #answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://prometheus')
    const answer = (data: object) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ status: 'success', data }))
    }
    if (url.pathname === '/api/v1/rules') return answer({ groups: this.#groups() })
    const series = /^count\((\w+|\{__name__=~"certmanager_\.\+"\})\)$/.exec(url.searchParams.get('query') ?? '')?.[1]
    if (url.pathname !== '/api/v1/query' || !series) return void response.writeHead(400).end()
    const certificates = this.#objects.list('certificates.cert-manager.io').length
    const isOfCertificates = series.startsWith('certmanager_certificate_')
    const count = this.#hooks.certManagerSeries.apply(
      isOfCertificates ? certificates : series.startsWith('{') ? certificates + OWN_SERIES : 0,
    )
    answer({
      resultType: 'vector',
      result: count ? [{ metric: {}, value: [Date.now() / 1000, String(count)] }] : [],
    })
  }

  /** The rules in its ConfigMap. */
  #groups(): object[] {
    const data = this.#objects.get('configmaps', 'prometheus-rules', 'monitoring')?.data as Record<string, string>
    const { groups = [] } = (parse(data?.['rules.yaml'] ?? '') ?? {}) as { groups?: { name: string; rules: Rule[] }[] }
    return groups.map(({ name, rules }) => ({
      name,
      rules: rules
        .filter(({ alert }) => alert)
        .map(({ alert, expr }) => ({ type: 'alerting', name: alert, query: expr, health: 'ok', state: 'inactive' })),
    }))
  }
}
