import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { Objects } from '../api/objects.ts'
import { KNATIVE_DEFECTS } from './defects.ts'
import { decide, targetsOf } from './formulas.ts'
import { KnativeHooks } from './hooks.ts'
import { autoscalerSettings } from './settings.ts'

/** The hooks of a twin in which one defect is in force. */
function broken(name: keyof typeof KNATIVE_DEFECTS): KnativeHooks {
  const hooks = new KnativeHooks()
  KNATIVE_DEFECTS[name](hooks, { isActive: true, since: 0 })
  return hooks
}
const SETTINGS = autoscalerSettings({ 'max-scale': '3' })
const MEASURED = { concurrency: 4, requestsPerSecond: 10 }
const PANIC = decide(SETTINGS, targetsOf(SETTINGS, {}, 0), { ready: 1, stable: 500, panic: 500, reachable: true })
const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage

test('the controller', () => {
  expect(broken('initial-scale-ignored').initialScale.apply(0)).toBe(1)
  expect(broken('resources-ignored').userContainer.apply({ name: 'a', resources: { requests: { cpu: '1' } } })).toEqual(
    {
      name: 'a',
      resources: {},
    },
  )
  expect(
    broken('panic-annotations-dropped').podAutoscalerAnnotations.apply({
      'autoscaling.knative.dev/panic-window-percentage': '20',
      'autoscaling.knative.dev/target': '5',
    }),
  ).toEqual({ 'autoscaling.knative.dev/target': '5' })
  expect(broken('endpoints-stay-activators').endpointsMode.apply('Serve')).toBe('Proxy')
  expect(broken('rollout-at-once').rolloutSeconds.apply(60)).toBe(0)
})

test('the autoscaler', () => {
  expect(PANIC.overThreshold).toBe(true)
  expect(broken('panic-never').decision.apply(PANIC).overThreshold).toBe(false)
  expect(broken('max-scale-ignored').settings.apply(SETTINGS)).toEqual({ ...SETTINGS, maxScale: 0 })
  expect(broken('scale-down-at-once').settings.apply(SETTINGS)).toEqual({ ...SETTINGS, maxScaleDownRate: 1e9 })
  expect(broken('requests-counted-twice').measurement.apply(MEASURED)).toEqual({ ...MEASURED, requestsPerSecond: 20 })
  expect(broken('concurrency-halved').measurement.apply(MEASURED)).toEqual({ ...MEASURED, concurrency: 2 })
  expect(broken('burst-capacity-ignored').excessBurstCapacity.apply(-211, { readyPods: 1 })).toBe(0)
  expect(broken('no-pods-without-autoscaler').scalesAtExit.apply(new Map(), new Objects()).size).toBe(0)
})

test('the activator and queue-proxy', () => {
  expect(
    broken('activator-unseen').activatorHeaders.apply(
      { 'x-forwarded-for': '10.0.0.1, 10.0.0.2' },
      request({ 'x-forwarded-for': '10.0.0.1' }),
    ),
  ).toEqual({ 'x-forwarded-for': '10.0.0.1' })
  expect(broken('activator-unseen').activatorHeaders.apply({ 'x-forwarded-for': '10.0.0.2' }, request({}))).toEqual({})
  const { waitsForPod } = broken('cold-requests-lost')
  const looks = [1, 2, 3, 4, 5].map(() => waitsForPod.apply(true, { isFirstLook: true, waitedMs: 0 }))
  expect(looks).toEqual([true, true, true, false, true])
  const impatient = broken('activator-impatient').waitsForPod
  expect(impatient.apply(true, { isFirstLook: false, waitedMs: 10_000 })).toBe(true)
  expect(impatient.apply(true, { isFirstLook: false, waitedMs: 10_001 })).toBe(false)
  expect(broken('activators-end-at-once').activatorDrainMs.apply(1500)).toBe(0)
  expect(broken('concurrency-unlimited').concurrencyLimit.apply(2)).toBe(0)
  const { answersProbe } = broken('probes-passed-on')
  expect(answersProbe.apply(true, request({ 'k-network-probe': 'activator' }))).toBe(false)
  expect(answersProbe.apply(true, request({ 'k-network-probe': 'probe' }))).toBe(true)
  expect(broken('timeouts-ignored').requestTimeoutMs.apply(1000)).toBeGreaterThan(86_400_000)
  expect(broken('request-logs-missing').requestLogTemplate.apply('{{.Request.Method}}')).toBe('')
  expect(broken('requests-uncounted').requestCount.apply(1)).toBe(0.5)
})

test('net-istio', () => {
  const ingress = (revision: string, annotations = {}) => ({
    apiVersion: 'networking.internal.knative.dev/v1alpha1',
    kind: 'Ingress',
    metadata: { name: 'hello', namespace: 'default', uid: 'u', annotations },
    spec: { rules: [{ http: { paths: [{ splits: [{ serviceName: revision }] }] } }] },
  })
  const asked = ingress('hello-1', {
    'networking.knative.dev/timeout': '9s',
    'networking.knative.dev/retryAttempts': '4',
  })
  expect(broken('net-istio-heeds-annotations').routePolicy.apply({ retries: {} }, asked)).toEqual({
    timeout: '9s',
    retries: { attempts: 4 },
  })
  const removed: unknown[] = []
  const objects = { delete: (...object: unknown[]) => removed.push(object) } as unknown as Objects
  const { ingressDelayMs } = broken('rollback-drops')
  const delays = ['hello-1', 'hello-2', 'hello-1', 'hello-1'].map((revision) =>
    ingressDelayMs.apply(0, { ingress: ingress(revision), objects }),
  )
  expect(delays).toEqual([0, 0, 450, 450])
  expect(removed).toEqual([['virtualservices.networking.istio.io', 'hello-ingress', 'default']])
})
