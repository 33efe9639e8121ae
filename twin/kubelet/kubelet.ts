import type { Server as HttpServer } from 'node:http'
import { isTrue, timestamp, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { KubernetesHooks } from '../cluster/hooks.ts'
import { tellEvent } from '../cluster/events.ts'
import { mayConnect } from '../cluster/network-policies.ts'
import type { Network } from '../network.ts'
import { endpointsOf } from '../cluster/services.ts'
import { Container, type Image, type Interception, type Program } from './container.ts'
import { probe, type Probe } from './probe.ts'

/**
 * How long a pod takes from its node to the start of its programs, without an annotation twin.plumbline.dev/start-ms.
 */
const START_MS = 120

interface Running {
  address: string
  containers: Map<string, Container>
  programs: Map<string, Program>
  loopback: Map<number, HttpServer>
  restarts: Map<string, number>
  timers: Set<NodeJS.Timeout>
  stopping: boolean
  interception: { held?: Interception }
}

/** The kubelets of all nodes: starts what pods hold, probes it, and ends it. */
export class Kubelet {
  readonly #objects: Objects
  readonly #network: Network
  readonly #hooks: KubernetesHooks
  readonly #image: (name: string) => Image | undefined
  readonly #running = new Map<string, Running>()

  constructor(objects: Objects, network: Network, hooks: KubernetesHooks, image: (name: string) => Image | undefined) {
    this.#objects = objects
    this.#hooks = hooks
    this.#network = network
    this.#image = image
    objects.removesPods = (pod, grace) => this.#beginEnd(pod, grace)
    objects.store.listen('nodes', ({ type, object }) => {
      if (type !== 'DELETED' && isTrue(object, 'Ready')) this.#startWaiting(object.metadata.name)
    })
    objects.store.listen('pods', ({ type, object, previous }) => {
      if (type !== 'DELETED' && object.spec.nodeName && !previous?.spec.nodeName) this.#startOnReady(object)
      if (type === 'DELETED') this.#kill(object)
      else if (previous?.spec.nodeName) this.#exchange(object, previous)
    })
  }

  /** Starts a pod where its node is Ready; else it waits until that is. */
  #startOnReady(pod: KubeObject): void {
    const node = this.#objects.get('nodes', String(pod.spec.nodeName))
    if (isTrue(node, 'Ready')) void this.#start(pod)
  }

  #startWaiting(node: string): void {
    const waiting = (pod: KubeObject) => pod.spec.nodeName === node && !this.#running.has(pod.metadata.uid ?? '')
    for (const pod of this.#objects.list('pods').filter(waiting))
      if (!pod.metadata.deletionTimestamp && pod.status?.phase === 'Pending') void this.#start(pod)
  }

  /** The log of a container of a pod, or undefined where it never ran. */
  containerOf(pod: KubeObject, name: string): Container | undefined {
    return this.#running.get(pod.metadata.uid ?? '')?.containers.get(name)
  }

  /** The server on a port of a pod's loopback, or undefined. */
  loopbackOf(pod: KubeObject, port: number): HttpServer | undefined {
    return this.#running.get(pod.metadata.uid ?? '')?.loopback.get(port)
  }

  /** Where a port of a pod is reached from inside the pod: past what stands before it. */
  localPortOf(pod: KubeObject, port: number): number {
    return this.#running.get(pod.metadata.uid ?? '')?.interception.held?.localPort(port) ?? port
  }

  stop(): void {
    for (const running of this.#running.values()) {
      for (const timer of running.timers) clearTimeout(timer)
      for (const container of running.containers.values()) container.close()
    }
  }

  async #start(pod: KubeObject): Promise<void> {
    const { name, namespace, uid = '' } = pod.metadata
    const nodeIndex = this.#objects.list('nodes').findIndex((node) => node.metadata.name === pod.spec.nodeName)
    const node = this.#objects.get('nodes', pod.spec.nodeName as string)
    const running: Running = {
      address: this.#network.podAddress(Math.max(0, nodeIndex)),
      containers: new Map(),
      programs: new Map(),
      loopback: new Map(),
      restarts: new Map(),
      timers: new Set(),
      stopping: false,
      interception: {},
    }
    this.#running.set(uid, running)
    const hostIP = (node?.status?.addresses as { type: string; address: string }[] | undefined)?.find(
      (each) => each.type === 'InternalIP',
    )?.address
    const waiting = (reason: string, message?: string) =>
      this.#writeStatus(
        pod,
        {
          phase: 'Pending',
          hostIP,
          startTime: timestamp(),
          containerStatuses: containersOf(pod).map((each) => ({
            name: each.name,
            image: each.image,
            imageID: '',
            ready: false,
            restartCount: 0,
            started: false,
            state: { waiting: { reason, ...(message ? { message } : {}) } },
          })),
        },
        [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Initialized', status: 'True' },
          { type: 'Ready', status: 'False', reason: 'ContainersNotReady' },
          { type: 'ContainersReady', status: 'False', reason: 'ContainersNotReady' },
        ],
      )
    waiting('ContainerCreating')
    await this.#pause(running, Number(pod.metadata.annotations?.['twin.plumbline.dev/start-ms'] ?? START_MS))
    if (running.stopping) return
    const missing = this.#missingVolume(pod)
    if (missing) {
      tellEvent(this.#objects, pod, 'FailedMount', `MountVolume.SetUp failed for volume: ${missing}`, 'Warning')
      this.#later(running, 1000, () => {
        this.#running.delete(uid)
        const again = this.#objects.get('pods', name, namespace)
        this.#network.release(running.address)
        if (again?.metadata.uid === uid && !again.metadata.deletionTimestamp) void this.#start(again)
      })
      return
    }
    const unknown = containersOf(pod).find((each) => !this.#image(each.image))
    if (unknown) {
      tellEvent(this.#objects, pod, 'Failed', `Failed to pull image "${unknown.image}": not found`, 'Warning')
      waiting('ErrImagePull', `failed to pull and unpack image "${unknown.image}": not found`)
      return
    }
    for (const spec of containersOf(pod)) await this.#startContainer(pod, running, spec)
    if (running.stopping) return
    tellEvent(
      this.#objects,
      pod,
      'Started',
      `Started containers ${containersOf(pod)
        .map((each) => each.name)
        .join(', ')}`,
    )
    this.#writeStatus(
      pod,
      {
        phase: 'Running',
        hostIP,
        hostIPs: [{ ip: hostIP }],
        podIP: running.address,
        podIPs: [{ ip: running.address }],
        startTime: timestamp(),
      },
      [],
    )
    this.#probeAll(pod, running)
  }

  async #startContainer(pod: KubeObject, running: Running, spec: KubeObject['spec']): Promise<void> {
    const { name, namespace } = pod.metadata
    const container = new Container({
      spec,
      address: running.address,
      network: this.#network,
      pod: () => this.#objects.get('pods', name, namespace) ?? pod,
      files: (path) => this.#readMounted(pod, spec, path),
      loopback: running.loopback,
      interception: running.interception,
      resolve: (host, port) => this.#resolve(host, port),
      admits: (address, port) => mayConnect(this.#objects, address, pod, port),
      onExit: (code) => this.#exited(pod, running, spec, code),
    })
    // The log of a container that begins anew goes on: the twin keeps no previous ones.
    running.containers.set(spec.name, container)
    try {
      running.programs.set(spec.name, (await this.#image(spec.image)?.(container)) ?? {})
    } catch (problem) {
      container.log.write(String(problem))
      container.exit(1)
    }
  }

  /** Containers whose image was changed are ended, and begin anew with the new one where there is such an image. */
  #exchange(pod: KubeObject, previous: KubeObject): void {
    const running = this.#running.get(pod.metadata.uid ?? '')
    if (!running || running.stopping) return
    const before = new Map(containersOf(previous).map((each) => [each.name, each.image]))
    const changed = containersOf(pod).filter(({ name, image }) => before.get(name) !== image)
    for (const spec of this.#hooks.containersToReplace.apply(changed)) {
      const { name, image } = spec
      const begin = () => {
        running.containers.get(name)?.close()
        if (this.#image(image)) {
          void this.#startContainer(pod, running, spec).then(() => this.#probeAll(pod, running))
          return
        }
        const others = new Set(containersOf(pod).flatMap((each) => (each.name === name ? [] : [each.name])))
        const message = `failed to pull and unpack image "${image}": not found`
        this.#setReady(pod, running, others, { [name]: { waiting: { reason: 'ErrImagePull', message } } })
      }
      const grace = new Promise<void>((resolve) =>
        this.#later(running, 1000 * Number(pod.spec.terminationGracePeriodSeconds ?? 30), () => resolve()),
      )
      void Promise.race([running.programs.get(name)?.stop?.(), grace]).then(begin)
    }
  }

  #exited(pod: KubeObject, running: Running, spec: KubeObject['spec'], code: number): void {
    if (running.stopping) return
    running.containers.get(spec.name)?.close()
    const restarts = (running.restarts.get(spec.name) ?? 0) + 1
    running.restarts.set(spec.name, restarts)
    tellEvent(this.#objects, pod, 'BackOff', `Back-off restarting failed container ${spec.name}`, 'Warning')
    this.#setReady(pod, running, new Set(), {
      [spec.name]: {
        terminated: { exitCode: code, reason: code === 0 ? 'Completed' : 'Error', finishedAt: timestamp() },
      },
    })
    this.#later(running, Math.min(10_000, 250 * 2 ** restarts), () => {
      void this.#startContainer(pod, running, spec).then(() => this.#probeAll(pod, running))
    })
  }

  #probeAll(pod: KubeObject, running: Running): void {
    const ready = new Set<string>()
    let known = -1
    const failures = new Map<string, number>()
    const began = performance.now()
    const isEarly = ({ initialDelaySeconds = 0 }: Probe) => performance.now() - began < initialDelaySeconds * 1000
    const round = async () => {
      if (running.stopping) return
      for (const spec of containersOf(pod)) {
        const given = spec.readinessProbe as Probe | undefined
        if (given && isEarly(given)) continue
        const ok = !given || (await probe(given, spec, running.address, this.#network, running.interception.held))
        failures.set(spec.name, ok ? 0 : (failures.get(spec.name) ?? 0) + 1)
        if (ok) ready.add(spec.name)
        else if ((failures.get(spec.name) ?? 0) >= Number(given?.failureThreshold ?? 3)) ready.delete(spec.name)
      }
      if (running.stopping) return
      if (ready.size !== known) this.#setReady(pod, running, ready)
      known = ready.size
      const all = ready.size === containersOf(pod).length
      const period = Math.max(1, ...containersOf(pod).map((spec) => Number(spec.readinessProbe?.periodSeconds ?? 1)))
      // A pod whose containers have no probe is not probed; one that is not ready is probed more often than by a
      // kubelet.
      if (!all || containersOf(pod).some((spec) => spec.readinessProbe))
        this.#later(running, all ? period * 1000 : 40, () => void round())
    }
    void round()
  }

  #setReady(pod: KubeObject, running: Running, ready: ReadonlySet<string>, states: Record<string, object> = {}): void {
    const specs = containersOf(pod)
    const all = specs.every((spec) => ready.has(spec.name))
    const status = all
      ? ({ status: 'True' } as const)
      : ({
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${specs
            .filter((spec) => !ready.has(spec.name))
            .map((spec) => spec.name)
            .join(' ')}]`,
        } as const)
    this.#writeStatus(
      pod,
      {
        containerStatuses: specs.map((spec) => ({
          name: spec.name,
          image: spec.image,
          imageID: `sha256:${Buffer.from(String(spec.image)).toString('hex').slice(0, 24)}`,
          containerID: `containerd://${pod.metadata.uid ?? ''}-${spec.name}`,
          ready: ready.has(spec.name),
          started: true,
          restartCount: running.restarts.get(spec.name) ?? 0,
          state: states[spec.name] ?? { running: { startedAt: timestamp() } },
          lastState: running.restarts.get(spec.name) ? { terminated: { exitCode: 1, finishedAt: timestamp() } } : {},
        })),
      },
      [
        { type: 'ContainersReady', ...status },
        { type: 'Ready', ...status },
      ],
    )
  }

  #writeStatus(
    pod: KubeObject,
    status: object,
    conditions: { type: string; status: 'True' | 'False'; reason?: string; message?: string }[],
  ): void {
    const { name, namespace, uid } = pod.metadata
    const now = this.#objects.get('pods', name, namespace)
    if (now?.metadata.uid !== uid) return
    this.#objects.change(
      'pods',
      name,
      namespace,
      (draft) => {
        draft.status = {
          ...draft.status,
          ...status,
          conditions: withConditions(draft.status?.conditions, ...conditions),
        }
      },
      'status',
    )
  }

  /** SIGTERM, and after the grace period the end. Gives whether the pod runs, so that its object stays until then. */
  #beginEnd(pod: KubeObject, graceSeconds: number): boolean {
    const running = this.#running.get(pod.metadata.uid ?? '')
    if (!running) return false
    if (graceSeconds === 0) return false
    if (running.stopping) return true
    running.stopping = true
    tellEvent(this.#objects, pod, 'Killing', 'Stopping containers')
    const { name, namespace, uid } = pod.metadata
    // A container with a preStop hook waits for the others: by Knative's the user's container outlives queue-proxy.
    const waits = (container: string) => Boolean(running.containers.get(container)?.spec.lifecycle?.preStop)
    const stop = (held: boolean) =>
      Promise.all(
        [...running.programs]
          .filter(([container]) => waits(container) === held)
          .map(async ([, program]) => program.stop?.()),
      )
    const ended = stop(false).then(() => stop(true))
    const grace = new Promise((resolve) => this.#later(running, graceSeconds * 1000, resolve))
    void Promise.race([ended, grace]).then(() => {
      if (this.#objects.get('pods', name, namespace)?.metadata.uid === uid)
        this.#objects.finish('pods', name, namespace)
    })
    // From here on it is not Ready for anybody.
    setImmediate(() => this.#writeStatus(pod, {}, [{ type: 'Ready', status: 'False', reason: 'PodTerminating' }]))
    return true
  }

  #kill(pod: KubeObject): void {
    const running = this.#running.get(pod.metadata.uid ?? '')
    if (!running) return
    running.stopping = true
    this.#running.delete(pod.metadata.uid ?? '')
    for (const timer of running.timers) clearTimeout(timer)
    for (const container of running.containers.values()) container.close()
    for (const program of running.programs.values()) void program.stop?.()
    this.#network.release(running.address)
  }

  #missingVolume(pod: KubeObject): string | undefined {
    const { namespace } = pod.metadata
    for (const { configMap, secret } of (pod.spec.volumes ?? []) as {
      configMap?: { name: string; optional?: boolean }
      secret?: { secretName: string; optional?: boolean }
    }[]) {
      if (configMap && !configMap.optional && !this.#objects.get('configmaps', configMap.name, namespace))
        return `configmap "${configMap.name}" not found`
      if (secret && !secret.optional && !this.#objects.get('secrets', secret.secretName, namespace))
        return `secret "${secret.secretName}" not found`
    }
    return undefined
  }

  /** A Ready endpoint behind the name of a Service, or the pod at an address. */
  #resolve(host: string, port: number): { address: string; port: number; pod?: KubeObject | undefined } | undefined {
    const local = `.svc.${this.#objects.layout.clusterDomain}`
    const short = host.endsWith(local) ? host.slice(0, -local.length) : host.replace(/\.svc$/, '')
    const [, name, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)$/.exec(short) ?? []
    if (name && namespace) {
      const endpoints = endpointsOf(this.#objects, name, namespace, port)
      return endpoints[Math.floor(Math.random() * endpoints.length)]
    }
    const pod = this.#objects.list('pods').find(({ status }) => status?.podIP === host)
    return pod && { address: host, port, pod }
  }

  #readMounted(pod: KubeObject, spec: KubeObject['spec'], path: string): string | undefined {
    const mounts = (spec.volumeMounts ?? []) as { name: string; mountPath: string }[]
    const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
    const volume = (
      (pod.spec.volumes ?? []) as { name: string; configMap?: { name: string }; secret?: { secretName: string } }[]
    ).find(({ name }) => name === mount?.name)
    if (!mount || !volume) return undefined
    const key = path.slice(mount.mountPath.length + 1)
    const { namespace } = pod.metadata
    if (volume.configMap)
      return this.#objects.get('configmaps', volume.configMap.name, namespace)?.data?.[key] as string | undefined
    const secret =
      volume.secret &&
      (this.#objects.get('secrets', volume.secret.secretName, namespace)?.data?.[key] as string | undefined)
    return secret ? Buffer.from(secret, 'base64').toString() : undefined
  }

  #later(running: Running, ms: number, work: (value?: unknown) => void): void {
    const timer = setTimeout(() => {
      running.timers.delete(timer)
      work()
    }, ms)
    running.timers.add(timer)
  }

  #pause(running: Running, ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(running, ms, () => resolve()))
  }
}

const containersOf = (pod: KubeObject): KubeObject['spec'][] => (pod.spec.containers ?? []) as KubeObject['spec'][]
