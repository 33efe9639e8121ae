import { describe, expect, test } from 'vitest'
import { keptLines, logShare } from './log-lines.ts'

const CONTROLLER = { 'app.kubernetes.io/name': 'aws-load-balancer-controller' }
const pod = (namespace: string, labels = {}) => ({ kind: 'Pod', metadata: { name: 'p', namespace, labels } })

test.each([
  ['a pod of ours', pod('plumb-hello-ab12'), 'queue-proxy', 'all'],
  ['istiod', pod('istio-system'), 'discovery', 'all'],
  ["Knative's controller", pod('knative-serving'), 'controller', 'all'],
  ['the gateway', pod('istio-system'), 'istio-proxy', 'no traffic of others'],
  ['the gateway in a namespace of its own', pod('edge'), 'istio-proxy', 'no traffic of others'],
  ['the activator', pod('knative-serving'), 'activator', 'no traffic of others'],
  ['the load balancer controller', pod('kube-system', CONTROLLER), 'controller', 'all'],
  ['another pod of the system', pod('kube-system', { 'k8s-app': 'kube-dns' }), 'coredns', 'nothing'],
  ["somebody's pod", pod('shop'), 'app', 'nothing'],
  ["somebody's sidecar", pod('shop'), 'istio-proxy', 'nothing'],
] as const)('what may be kept of the log of %s', (_, subject, container, share) => {
  expect(logShare(subject, container, 'edge')).toBe(share)
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
