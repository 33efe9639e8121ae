import { knativeInMesh } from '../../src/knative/in-mesh.ts'
import { check } from '../../src/check/check.ts'
import { chainTroubles } from '../../src/traffic/certificates.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { MeshPods } from '../../src/mesh/mesh-pods.ts'
import { meshConfig } from '../../src/mesh/mesh-config.ts'
import { tuneMeshMtls, tuneMtls } from '../../src/mesh/peer-authentication.ts'
import { coldService } from '../../src/knative/cold-service.ts'
import { meshRoot, workloadCertificate } from '../../src/mesh/workload-certificate.ts'
import { podsReady } from '../../src/kube/until.ts'

/** How long the workload certificate lives whose rotation is waited for. */
const SHORT_LIFE_SECONDS = 30

check(
  'tls/workload-identity',
  {
    asserts:
      "a workload's certificate has its SPIFFE URI and chains to the mesh's root, another workload sees it by that, and it is rotated before its end",
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['mesh/pods-running'],
    remedy:
      'istioctl proxy-config secret of the pod, and the log of its istio-proxy: the agent there asks istiod (or istio-csr) for it',
  },
  async ({ stack, expect, measure }) => {
    const mesh = await MeshPods.of(stack, 'mesh')
    const { namespace } = mesh
    const { trustDomain = 'cluster.local' } = await meshConfig(stack)
    const identity = `spiffe://${trustDomain}/ns/${namespace}/sa/default`
    const seen = MeshPods.identityOf(await mesh.fromInside())
    expect(seen, "the client's identity as the server's sidecar saw it").toBe(identity)
    const { chain } = await workloadCertificate(stack, mesh.server)
    expect(chainTroubles(chain, await meshRoot(stack, namespace), identity), 'what is wrong with its chain').toBeNone()
    await stack.applyFixture('tls/short-lived.yaml', { namespace, ttl: `${SHORT_LIFE_SECONDS}s` })
    const [pod] = await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=short-lived' }, podsReady(1), 'podReady')
    const first = (await workloadCertificate(stack, pod!)).chain[0]!
    // Of two that were shown one after the other the newer one was made while the older one held, by their own dates: when it was seen here
    // is another matter.
    let [older, newer] = [first, first]
    await stack.eventually(
      `another workload certificate of ${pod?.metadata?.name}`,
      async () => {
        ;[older, newer] = [newer, (await workloadCertificate(stack, pod!)).chain[0]!]
        return newer.serialNumber === older.serialNumber
          ? `still ${newer.serialNumber}, which ends at ${newer.validTo}`
          : undefined
      },
      'scale',
    )
    const ends = new Date(older.validTo).getTime()
    const rotatedAt = new Date(newer.validTo).getTime() - SHORT_LIFE_SECONDS * 1000
    expect(rotatedAt, `milliseconds when the next one was made, against the end of the one before`).toBeLessThan(ends)
    measure('life that was left at its rotation', (ends - rotatedAt) / 1000, 's')
    return `${identity}; rotated ${Math.round((ends - rotatedAt) / 1000)} s before its end, of a life of ${SHORT_LIFE_SECONDS} s`
  },
)

check(
  'tls/mtls-strict',
  {
    asserts:
      'PeerAuthentication STRICT for the mesh: plain text to a pod in it is refused, mesh traffic passes; activator and autoscaler are in the mesh if revisions are, and a cold request is served',
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['mesh/pods-running', 'mesh/crds', 'knative/hello-through-lb'],
    remedy:
      'STRICT is enforced by sidecars alone: label the namespace knative-serving istio-injection=enabled where revisions are in the mesh, and leave net-istio-controller out of it',
  },
  async ({ stack, expect, measure }) => {
    const mesh = await MeshPods.of(stack, 'mesh')
    const before = await mesh.fromOutside()
    expect(before.status, `status of plain text to a pod in the mesh, before (${describeAnswer(before)})`).toBe(200)
    const { outside, revisions } = await knativeInMesh(stack)
    if (outside.length)
      expect(
        revisions,
        `revisions in the mesh though ${outside.join(' and ')} are not: STRICT cuts them off`,
      ).toBeNone()
    // Where Knative is in the mesh so is the revision that is tried, else it is outside like all others.
    const service = await coldService(stack, 'strict', { inMesh: outside.length === 0 })
    await tuneMeshMtls(stack, 'STRICT')
    await stack.eventually(
      'plain text to a pod in the mesh being refused',
      async () => {
        const answer = await mesh.fromOutside()
        return answer.status === 0 ? undefined : `it was answered (${describeAnswer(answer)})`
      },
      'configPush',
      5,
    )
    const inside = await mesh.fromInside()
    expect(MeshPods.identityOf(inside), 'the identity by which mesh traffic passed').toMatch(/^spiffe:\/\//)
    const cold = await stack.ingress.send({ host: service.host, within: 'coldRequest' })
    expect(cold.status, `status of a cold request under STRICT (${describeAnswer(cold)})`).toBe(200)
    measure('time of the cold request', cold.ms / 1000, 's')
    return `plain text refused, mesh traffic passed; Knative is ${outside.length ? 'outside of the mesh, as all revisions are' : 'in the mesh'}: cold request ${describeAnswer(cold)}`
  },
)

check(
  'tls/mtls-permissive',
  {
    asserts: 'knative-serving PERMISSIVE: plain text to it is accepted while the mesh is STRICT elsewhere',
    guide: '5',
    level: 'required',
    effect: 'tunes',
    needs: ['tls/mtls-strict'],
    remedy:
      'a PeerAuthentication of a namespace wins over that of the root namespace, one with a selector over both: look for another one in knative-serving',
  },
  async ({ stack, expect }) => {
    const [strict, lenient] = await Promise.all([MeshPods.of(stack, 'mesh'), MeshPods.of(stack, 'lenient')])
    await tuneMeshMtls(stack, 'STRICT')
    await tuneMtls(stack, KNATIVE, 'PERMISSIVE')
    await tuneMtls(stack, lenient.namespace, 'PERMISSIVE')
    await stack.eventually(
      'plain text refused where the mesh is STRICT, and accepted where a namespace is PERMISSIVE',
      async () => {
        const [refused, accepted] = await Promise.all([strict.fromOutside(), lenient.fromOutside()])
        return refused.status === 0 && accepted.status === 200
          ? undefined
          : `STRICT: ${describeAnswer(refused)}; PERMISSIVE: ${describeAnswer(accepted)}`
      },
      'configPush',
      5,
    )
    const activators = (await stack.all('v1/Pod', KNATIVE)).filter(
      ({ metadata }) => metadata?.labels?.app === 'activator',
    )
    expect(activators.length, 'activator pods').toBeGreaterThan(0)
    for (const pod of activators) {
      const address = String(pod.status?.podIP)
      const answer = await stack.agent.send({
        address,
        port: 8012,
        host: address,
        headers: { 'k-network-probe': 'activator' },
      })
      expect(answer.status, `status of plain text to ${pod.metadata?.name} (${describeAnswer(answer)})`).toBe(200)
    }
    return `STRICT refuses plain text, a PERMISSIVE namespace takes it; ${activators.length} activators answer it`
  },
)
