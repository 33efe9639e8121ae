import { knativeInMesh } from '../../src/knative/in-mesh.ts'
import { check } from '../../src/check/check.ts'
import { chainTroubles } from '../../src/traffic/certificates.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { selectedByService } from '../../src/kube/selector.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { knativeComponent } from '../../src/survey/surveyed.ts'
import { MeshPods } from '../../src/mesh/mesh-pods.ts'
import { meshConfig } from '../../src/mesh/mesh-config.ts'
import { policyOfPods, tuneMeshMtls, tuneMtls } from '../../src/mesh/peer-authentication.ts'
import { coldService } from '../../src/knative/cold-service.ts'
import { meshRoot, workloadCertificate } from '../../src/mesh/workload-certificate.ts'
import { podsReady } from '../../src/kube/until.ts'

/** The lifetime of the workload certificate that is rotated. */
const SHORT_LIFE_SECONDS = 30

check(
  'tls/workload-identity',
  {
    asserts:
      "a workload's certificate has its SPIFFE identity, is signed by the mesh's root, identifies it to its peer, " +
      'and is rotated before it expires',
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['mesh/pods-running'],
    remedy: [
      "Check the pod's certificate with istioctl proxy-config secret",
      'Check the log of its container istio-proxy, which requests certificates from istiod (or istio-csr)',
    ],
  },
  async ({ stack, expect, measure }) => {
    const mesh = await MeshPods.create(stack, 'mesh')
    const { namespace } = mesh
    const { trustDomain = 'cluster.local' } = await meshConfig(stack)
    const identity = `spiffe://${trustDomain}/ns/${namespace}/sa/default`
    const clientIdentity = MeshPods.identityOf(await mesh.fromInside())
    expect(clientIdentity, "Client's identity in the request to the server").toBe(identity)
    const { chain } = await workloadCertificate(stack, mesh.server)
    expect(
      chainTroubles(chain, await meshRoot(stack, namespace), identity),
      `Certificate chain of the server in namespace ${namespace}`,
    ).toBeNone()
    await stack.applyFixture('tls/short-lived.yaml', { namespace, ttl: `${SHORT_LIFE_SECONDS}s` })
    const [pod] = await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=short-lived' }, podsReady(1), 'podReady')
    const first = (await workloadCertificate(stack, pod!)).chain[0]!
    // The dates of two successive certificates show whether the newer one was issued before the older one expired.
    let [older, newer] = [first, first]
    await stack.eventually(
      `rotation of the certificate of pod ${namespace}/${pod?.metadata?.name}`,
      async () => {
        ;[older, newer] = [newer, (await workloadCertificate(stack, pod!)).chain[0]!]
        return newer.serialNumber === older.serialNumber
          ? `serial number is still ${newer.serialNumber}, valid until ${newer.validTo}`
          : undefined
      },
      'scale',
    )
    const ends = new Date(older.validTo).getTime()
    const rotatedAt = new Date(newer.validTo).getTime() - SHORT_LIFE_SECONDS * 1000
    expect(rotatedAt < ends).toHold(
      `Pod ${namespace}/${pod?.metadata?.name}: its certificate was rotated ${(rotatedAt - ends) / 1000} s ` +
        'after it expired, expected before',
    )
    measure('life that was left at its rotation', (ends - rotatedAt) / 1000, 's')
    const left = Math.round((ends - rotatedAt) / 1000)
    return (
      `the identity is ${identity}; ` +
      `a certificate with a lifetime of ${SHORT_LIFE_SECONDS} s was rotated ${left} s before it expired`
    )
  },
)

/** Waits until a pod in the mesh accepts plain text from outside of it, or refuses it. */
const plainTextUntil = (stack: Stack, mesh: MeshPods, expected: 'accepted' | 'refused') =>
  stack.eventually(
    `plain text to be ${expected} by pods in the mesh`,
    async () => {
      const answer = await mesh.fromOutside()
      const met = expected === 'accepted' ? answer.status === 200 : answer.status === 0
      return met ? undefined : `one gave ${describeAnswer(answer)}`
    },
    'configPush',
    { inARow: 5 },
  )

check(
  'tls/mtls-strict',
  {
    asserts:
      'with PeerAuthentication STRICT pods in the mesh refuse plain text and accept mutual TLS, ' +
      'activator and autoscaler are in the mesh if any revision is, and a cold request gets 200',
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['mesh/crds', 'knative/hello-through-lb'],
    remedy: [
      "If revisions are in the mesh, give Knative's namespace the label for injection and restart its pods",
      'Exclude net-istio-controller from injection with sidecar.istio.io/inject: "false"',
      'Check that the pods have a sidecar: only sidecars enforce STRICT',
    ],
  },
  async ({ stack, expect, measure }) => {
    const mesh = await MeshPods.create(stack, 'mesh')
    // What refuses it below must be the policy: the mesh may be STRICT already.
    await stack.inOwnScope(async () => {
      await tuneMtls(stack, mesh.namespace, 'PERMISSIVE')
      await plainTextUntil(stack, mesh, 'accepted')
    })
    const { outside, revisions } = await knativeInMesh(stack)
    if (outside.length)
      expect(
        revisions,
        `Revisions in the mesh that STRICT cuts off from ${outside.join(' and ')} (no sidecar)`,
      ).toBeNone()
    // The tested revision is in the mesh if Knative is.
    const service = await coldService(stack, 'strict', { inMesh: outside.length === 0 })
    await tuneMeshMtls(stack, 'STRICT')
    await plainTextUntil(stack, mesh, 'refused')
    const inside = await mesh.fromInside()
    expect(MeshPods.identityOf(inside), 'Request in the mesh under STRICT, client identity').toMatch(/^spiffe:\/\//)
    const cold = await stack.ingress.send({ host: service.host, within: 'coldRequest' })
    expect(cold.status, `Cold request under STRICT (${describeAnswer(cold)}), status`).toBe(200)
    measure('time of the cold request', cold.ms / 1000, 's')
    const knative = outside.length ? 'Knative and all revisions are outside the mesh' : 'Knative is in the mesh'
    return (
      `pods in the mesh refuse plain text and accept mutual TLS; ${knative}; ` +
      `a cold request got ${describeAnswer(cold)}`
    )
  },
)

check(
  'tls/mtls-permissive',
  {
    asserts: "with Knative's namespace PERMISSIVE and the mesh STRICT, the activators accept plain text",
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['tls/mtls-strict'],
    remedy: [
      "Look for another PeerAuthentication in Knative's namespace: of several for all of its pods the oldest counts",
      "Set mtls.mode: PERMISSIVE in a PeerAuthentication of Knative's namespace: it overrides the root namespace",
    ],
  },
  async ({ stack, expect }) => {
    const activator = await knativeComponent(stack, 'activator')
    const { namespace } = activator
    const policy = await policyOfPods(stack, activator)
    if (policy)
      throw new DoesNotApply(
        `PeerAuthentication ${namespace}/${policy.name} selects the activators and sets ${policy.mode}: ` +
          'the mode of their namespace does not count for them.',
      )
    const [strict, lenient] = await Promise.all([MeshPods.create(stack, 'mesh'), MeshPods.create(stack, 'lenient')])
    await tuneMeshMtls(stack, 'STRICT')
    await tuneMtls(stack, namespace, 'PERMISSIVE')
    await tuneMtls(stack, lenient.namespace, 'PERMISSIVE')
    await plainTextUntil(stack, strict, 'refused')
    await plainTextUntil(stack, lenient, 'accepted')
    const activators = readyPods(await stack.all('v1/Pod', namespace)).filter(({ metadata }) =>
      selectedByService(activator.selector, metadata?.labels ?? {}),
    )
    expect(activators.length, `Deployment ${namespace}/${activator.name}, pods that are Ready`).toBeGreaterThan(0)
    for (const pod of activators) {
      const address = String(pod.status?.podIP)
      const answer = await stack.agent.send({
        address,
        port: 8012,
        host: address,
        headers: { 'k-network-probe': 'activator' },
      })
      expect(
        answer.status,
        `Plain text to pod ${namespace}/${pod.metadata?.name} (${describeAnswer(answer)}), status`,
      ).toBe(200)
    }
    return `STRICT pods refuse plain text, a PERMISSIVE namespace accepts it; ${activators.length} activators answer it`
  },
)
