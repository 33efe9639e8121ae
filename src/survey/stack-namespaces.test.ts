import { expect, test } from 'vitest'
import { absent, found, unknown } from './fact.ts'
import { isOfStack, stackNamespaces } from './stack-namespaces.ts'
import type { Gateway, Survey, Workload } from './survey.ts'

const workload = (namespace: string): Workload => ({
  ...{ kind: 'Deployment', namespace, name: 'w', replicas: 1, podLabels: {}, selector: {} },
})
const gateway = (role: Gateway['role'], namespace: string) =>
  ({
    role,
    service: { namespace, name: 'g' },
    workloads: [workload(namespace)],
    balancer: found(
      { maker: 'metallb', controller: workload(`lb-of-${namespace}`), announcers: [], addresses: [] },
      '',
    ),
  }) as unknown as Gateway

const survey = {
  istiods: found([{ workload: workload('mesh'), rootNamespace: 'mesh-root' }], ''),
  gateways: found([gateway('certified', 'edge'), gateway('local', 'inside'), gateway('other', 'shop')], ''),
  ambient: absent('no ztunnel'),
  knative: found({ namespace: 'serving' }, ''),
  certManager: unknown('may not list pods'),
} as unknown as Survey

test("the stack's namespaces are those of its parts; a gateway that Knative does not use is a tenant's", () => {
  expect([...stackNamespaces(survey)].toSorted()).toEqual(
    ['mesh', 'mesh-root', 'edge', 'inside', 'lb-of-edge', 'lb-of-inside', 'serving'].toSorted(),
  )
})

test("objects of no namespace are the stack's", () => {
  const namespaces = stackNamespaces(survey)
  const objects = [{}, { namespace: 'mesh' }, { namespace: 'shop' }].map((metadata) => ({ metadata }))
  expect(objects.map((object) => isOfStack(namespaces, object))).toEqual([true, true, false])
})
