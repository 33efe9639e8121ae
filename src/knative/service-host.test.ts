import { expect, test } from 'vitest'
import { hostByTemplate } from './service-host.ts'

const VALUES = { name: 'web', namespace: 'shop', domain: 'example.com', annotations: { area: 'north' } }

test.each([
  ['{{.Name}}.{{.Namespace}}.{{.Domain}}', 'web.shop.example.com'],
  ['{{ .Name }}-{{.Namespace}}.{{.Domain}}', 'web-shop.example.com'],
  ['{{.Name}}.{{index .Annotations "area"}}.{{.Domain}}', 'web.north.example.com'],
  ['{{.Name}}{{index .Labels "none"}}.{{.Domain}}', 'web.example.com'],
  ['{{if .Labels}}x{{end}}{{.Name}}.{{.Domain}}', undefined],
])('domain-template %s makes %s', (template, host) => expect(hostByTemplate(template, VALUES)).toBe(host))
