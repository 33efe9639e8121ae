import { describe, expect, test } from 'vitest'
import { smallSurvey } from '../../test/small-survey.ts'
import { keptLines, logShare } from './log-lines.ts'

const pod = (namespace: string, app: string) => ({
  ...{ kind: 'Pod', metadata: { name: 'p', namespace, labels: { app } } },
})

test.each([
  ['a pod of ours', pod('plumb-hello-ab12', 'hello'), 'queue-proxy', 'all'],
  ['istiod', pod('mesh', 'istiod'), 'discovery', 'all'],
  ["Knative's controller", pod('serving', 'controller'), 'controller', 'all'],
  ['the gateway', pod('edge', 'gateway'), 'istio-proxy', 'no traffic of others'],
  ['a gateway that Knative does not use', pod('edge', 'other'), 'istio-proxy', 'nothing'],
  ['the activator', pod('serving', 'activator'), 'activator', 'no traffic of others'],
  ['the load balancer controller', pod('kube-system', 'balancer'), 'controller', 'all'],
  ['another pod of its namespace', pod('kube-system', 'kube-dns'), 'coredns', 'nothing'],
  ["somebody's pod", pod('shop', 'gateway'), 'app', 'nothing'],
  ["somebody's sidecar", pod('shop', 'activator'), 'istio-proxy', 'nothing'],
] as const)('what may be kept of the log of %s', (_, subject, container, share) => {
  expect(logShare(subject, container, smallSurvey)).toBe(share)
})

const OURS = [
  '[2026-01-01T00:00:00Z] "GET /plumb-0123456789abcdef HTTP/1.1" 200 - "shop.example.com"',
  '{"path":"/","authority":"hello.plumb-hello-ab12.example.com","response_code":200}',
  '2026-01-01T00:00:00Z\tdebug\tenvoy http\t:authority hello.plumb-hello-ab12.example.com',
]
const COMPONENT = [
  '2026-01-01T00:00:00.000000Z\twarning\tenvoy config external/envoy/source/x.cc:1\tlistener rejected',
  '{"level":"error","time":"2026-01-01T00:00:00Z","scope":"xdsproxy","msg":"connection refused"}',
  '{"severity":"INFO","logger":"activator","message":"Starting the knative activator"}',
]
const USERS = [
  '[2026-01-01T00:00:00Z] "GET /account?token=hush HTTP/1.1" 200 - "shop.example.com"',
  '{"path":"/account","authority":"shop.example.com","response_code":200,"level":"info"}',
  '{"httpRequest": {"requestMethod": "GET", "requestUrl": "/account"}}',
  "2026-01-01T00:00:00Z\tdebug\tenvoy http\trequest headers complete ':path', '/account'",
  "':authority', 'shop.example.com'",
  '[2026-01-01T00:00:00Z] "GET / HTTP/1.1" 200 - "hello.plumb-hello-ffff.example.com"',
]

describe('lines of a log', () => {
  const log = [...OURS, ...COMPONENT, ...USERS, ''].join('\n')

  test('of a proxy: those of our requests and of the component itself', () => {
    expect(keptLines(log, 'no traffic of others', 'ab12')).toEqual([...OURS, ...COMPONENT])
  })

  test('of a pod of ours: all', () => {
    expect(keptLines(log, 'all', 'ab12')).toHaveLength(OURS.length + COMPONENT.length + USERS.length)
  })

  test("of somebody's pod: none", () => {
    expect(keptLines(log, 'nothing', 'ab12')).toEqual([])
  })
})
