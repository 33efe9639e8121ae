import https from 'node:https'
import { Access } from './api/access.ts'
import { Admission } from './api/admission.ts'
import type { KubeObject } from './api/object.ts'
import { Objects } from './api/objects.ts'
import { resourceId } from './api/resources.ts'
import { ApiServer } from './api/server.ts'
import { CertManager } from './cert-manager/cert-manager.ts'
import { issue, makeAuthority } from './certificates.ts'
import { runDisruption } from './cluster/disruption.ts'
import { runNamespaces } from './cluster/namespaces.ts'
import { runScheduler } from './cluster/scheduler.ts'
import { runServices } from './cluster/services.ts'
import { runWorkloads } from './cluster/workloads.ts'
import { hooksOf } from './defects.ts'
import { Istiods } from './istio/istiods.ts'
import type { Image } from './kubelet/container.ts'
import { Kubelet } from './kubelet/kubelet.ts'
import { nginx } from './kubelet/nginx.ts'
import { nodeProgram } from './kubelet/node-program.ts'
import { Knative } from './knative/knative.ts'
import { collector, loki } from './monitoring/loki.ts'
import { Prometheus } from './monitoring/prometheus.ts'
import { Cloud } from './aws/cloud.ts'
import { dnsServer } from './aws/dns.ts'
import { awsServer } from './aws/server.ts'
import { AwsLoadBalancerController } from './load-balancer/aws-controller.ts'
import { LoadBalancerListeners } from './load-balancer/listeners.ts'
import { MetalLb } from './load-balancer/metallb.ts'
import { Speakers } from './load-balancer/speakers.ts'
import { listen, Network } from './network.ts'
import { METALLB_WEBHOOK } from './stack/balancer-deployments.ts'
import { clusterRoles } from './stack/cluster-roles.ts'
import { componentDeployments } from './stack/component-deployments.ts'
import { componentSettings } from './stack/component-settings.ts'
import { crds } from './stack/crds.ts'
import { helloWorkload } from './stack/hello-workload.ts'
import type { Layout } from './stack/layout.ts'
import { issuers, monitoring } from './stack/monitoring.ts'
import { namespaces } from './stack/namespaces.ts'
import { nodes } from './stack/nodes.ts'
import type { Versions } from './stack/versions.ts'
import { webhookConfigurations } from './stack/webhook-configurations.ts'

const AWS_PORT = 4566
const DNS_PORT = 8053

export interface TwinOptions {
  versions: Versions
  domain: string
  zones: string[]
  /** The loopback range 127.RANGE; the first free one where not given. */
  range: number | undefined
  /** The API's port. */
  port: number
  /** Who makes load balancers: MetalLB, or the AWS Load Balancer Controller, with the APIs of AWS beside it. */
  cloud: 'metallb' | 'aws'
  layout: Layout
  /** The workload's program, which its pods run. */
  program: string
}

/** A running twin. */
export interface Twin {
  kubeconfig: object
  address: string
  /** Resolves when the workload answers. */
  ready: Promise<void>
  stop: () => void
  network: Network
  objects: Objects
  /** Where the AWS APIs are, for a twin that has them. */
  awsEndpoint: string | undefined
  /** The DNS server that knows the names of its load balancers, and the actions of AWS that were called. */
  dns: string | undefined
  awsCalled: ReadonlySet<string>
}

/**
 * Starts a stand-in for the stack on loopback, with every component installed: the Kubernetes API, its controllers and
 * kubelets, Istio, Knative, cert-manager and MetalLB or AWS.
 * @throws StartProblem where this machine does not let it listen
 */
export async function startTwin(options: TwinOptions): Promise<Twin> {
  const { versions, domain, zones } = options
  const authority = await makeAuthority('plumbline-twin')
  const handler: { api?: ApiServer } = {}
  const server = https.createServer(
    { requestCert: true, rejectUnauthorized: false, ca: authority.cert, keepAliveTimeout: 120_000 },
    (request, response) => void handler.api?.handle(request, response),
  )
  server.on('upgrade', (request, socket, head) => handler.api?.upgrade(request, socket, head))
  server.on('tlsClientError', () => undefined)
  const network = await Network.take(server, options.port, options.range)
  const notAfter = new Date(Date.now() + 365 * 86_400_000)
  const names = [network.apiAddress, '127.0.0.1', 'localhost', 'kubernetes.default.svc']
  const [serving, admin] = await Promise.all([
    issue(authority, { subject: 'CN=kube-apiserver', names, notAfter }),
    issue(authority, { subject: 'CN=kubernetes-admin, O=system:masters', names: [], notAfter }),
  ])
  server.setSecureContext({ cert: serving.cert, key: serving.key, ca: authority.cert })

  const { layout } = options
  const objects = new Objects(layout)
  const hooks = hooksOf(objects)
  const access = new Access(objects)
  const admission = new Admission(objects, hooks.kubernetes)
  serveCustomResources(objects)
  install(objects, [
    ...crds(),
    ...namespaces(layout),
    ...clusterRoles(layout.balancer),
    ...nodes(network, zones, versions.kubernetes),
  ])

  const mesh = await makeAuthority('cluster.local')
  const istiods = new Istiods({ objects, version: versions.istio, hooks: hooks.istio, authority: mesh, admission })
  const knative = new Knative(objects, admission, network, hooks.knative, versions.knative)
  const metallb = new MetalLb(objects, access)
  const aws = new AwsLoadBalancerController(
    objects,
    zones.map((zone, at) => `${zone}=${network.balancerAddress(at)}`).join(','),
  )
  const certManager = new CertManager(objects, hooks.certManager, admission)
  const images: Record<string, Image> = {
    'docker.io/library/node:': nodeProgram,
    'docker.io/library/nginx:': nginx,
    'docker.io/istio/pilot:': istiods.image,
    'docker.io/istio/proxyv2:': istiods.proxyImage,
    'quay.io/metallb/controller:': metallb.image,
    'public.ecr.aws/eks/aws-load-balancer-controller:': aws.image,
    'quay.io/jetstack/cert-manager-controller:': certManager.image,
    'docker.io/prom/prometheus:': new Prometheus(objects, hooks.monitoring).image,
    'docker.io/grafana/loki:': loki(),
    'docker.io/grafana/alloy:': collector(objects, (pod, name) => kubelet.containerOf(pod, name)),
    ...Object.fromEntries(
      Object.entries(knative.images()).map(([name, image]) => [`gcr.io/knative-releases/knative.dev/${name}:`, image]),
    ),
  }
  // What has no work in the twin runs, and does nothing.
  const idle = [
    'quay.io/metallb/speaker:',
    'quay.io/jetstack/cert-manager-',
    'registry.k8s.io/',
    'docker.io/istio/ztunnel:',
    'docker.io/istio/install-cni:',
  ]
  const imageOf = (name: string): Image | undefined =>
    Object.entries(images).find(([prefix]) => name.startsWith(prefix))?.[1] ??
    (idle.some((prefix) => name.startsWith(prefix)) ? () => undefined : undefined)
  const kubelet: Kubelet = new Kubelet(objects, network, hooks.kubernetes, imageOf)
  const listeners = new LoadBalancerListeners(objects, network, aws.applied, new Speakers(objects))
  const metallbWebhook = `${layout.balancer.namespace}/${METALLB_WEBHOOK}`
  for (const service of [metallbWebhook, 'kube-system/aws-load-balancer-webhook-service'])
    admission.serve(service, () => undefined)
  runNamespaces(objects)
  runWorkloads(objects)
  runServices(objects)
  runDisruption(objects)
  runScheduler(objects, hooks.kubernetes)
  objects.admitsPod = (object) =>
    admission.admit({
      ...{ operation: 'CREATE', resource: objects.resource('pods'), object, old: undefined, subresource: undefined },
      user: 'system:serviceaccount:kube-system:workload-controller',
    })
  handler.api = new ApiServer({
    objects,
    access,
    admission,
    kubelet,
    network,
    hooks: hooks.kubernetes,
    version: versions.kubernetes,
    issuer: `https://${network.apiAddress}:${options.port}`,
  })
  install(objects, [
    ...componentSettings(versions, domain, network, options.cloud, layout),
    ...webhookConfigurations(options.cloud, authority.cert, layout),
    ...componentDeployments(versions, layout, options.cloud),
    ...helloWorkload(options.program),
    ...monitoring(),
    ...issuers(authority, domain, layout),
  ])
  const cloud =
    options.cloud === 'aws'
      ? new Cloud({
          objects,
          network,
          hooks: hooks.aws,
          authority: authority.cert,
          port: options.port,
          applied: aws.applied,
        })
      : undefined
  const cloudServer = cloud && awsServer(cloud)
  if (cloudServer) await listen(cloudServer, AWS_PORT, network.apiAddress)
  const dns = cloud && dnsServer(cloud, network.apiAddress)
  if (dns) await new Promise<void>((resolve) => dns.bind(DNS_PORT, network.apiAddress, resolve))
  return {
    kubeconfig: kubeconfigOf(network, options.port, authority.cert, admin),
    address: `https://${network.apiAddress}:${options.port}`,
    network,
    objects,
    awsEndpoint: cloudServer && `http://${network.apiAddress}:${AWS_PORT}`,
    dns: dns && `${network.apiAddress}:${DNS_PORT}`,
    awsCalled: cloud?.called ?? new Set(),
    ready: untilReady(objects),
    stop: () => {
      knative.stop()
      listeners.stop()
      kubelet.stop()
      server.close()
      server.closeAllConnections()
      cloudServer?.close()
      dns?.close()
    },
  }
}

/**
 * Serves the custom resources of the CustomResourceDefinitions that exist; with a definition its objects are deleted.
 */
function serveCustomResources(objects: Objects): void {
  objects.store.listen('customresourcedefinitions.apiextensions.k8s.io', ({ type, object }) => {
    const id = resourceId(object.spec.group as string, object.spec.names.plural as string)
    if (type === 'DELETED') {
      for (const each of objects.list(id)) objects.finish(id, each.metadata.name, each.metadata.namespace)
      objects.resources.remove(id)
      return
    }
    objects.resources.define(object)
    if (type !== 'ADDED') return
    const conditions = ['NamesAccepted', 'Established'].map((condition) => ({
      type: condition,
      status: 'True',
      reason: condition,
      message: '',
    }))
    objects.change(
      'customresourcedefinitions.apiextensions.k8s.io',
      object.metadata.name,
      undefined,
      (draft) => void (draft.status = { conditions, acceptedNames: object.spec.names, storedVersions: [] }),
      'status',
    )
  })
}

function install(objects: Objects, all: readonly KubeObject[]): void {
  for (const object of all) {
    const at = object.apiVersion.lastIndexOf('/')
    const resource = objects.resources.ofKind(at < 0 ? '' : object.apiVersion.slice(0, at), object.kind)
    if (!resource) throw new Error(`the twin does not serve ${object.apiVersion} ${object.kind}`)
    objects.create(resource.id, object)
  }
}

function kubeconfigOf(network: Network, port: number, ca: string, client: { cert: string; key: string }): object {
  const encode = (text: string) => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'twin',
        cluster: { server: `https://${network.apiAddress}:${port}`, 'certificate-authority-data': encode(ca) },
      },
    ],
    users: [
      { name: 'twin', user: { 'client-certificate-data': encode(client.cert), 'client-key-data': encode(client.key) } },
    ],
    contexts: [{ name: 'twin', context: { cluster: 'twin', user: 'twin' } }],
    'current-context': 'twin',
  }
}

/** Resolves when every Deployment is Available, every DaemonSet Ready and the workload's Service is Ready. */
function untilReady(objects: Objects): Promise<void> {
  const [gateway] = objects.layout.gateways
  // Of a load balancer that is nobody's, no status tells.
  const isReachable = () =>
    gateway?.type !== 'LoadBalancer' ||
    objects.get('services', gateway.name, gateway.namespace)?.status?.loadBalancer?.ingress?.length > 0
  const isReady = () =>
    objects
      .list('deployments.apps')
      .every((each) => Number(each.status?.availableReplicas ?? 0) >= Number(each.spec.replicas)) &&
    objects
      .list('daemonsets.apps')
      .every(({ status }) => Number(status?.numberReady ?? 0) >= Number(status?.desiredNumberScheduled ?? 1)) &&
    objects
      .list('services.serving.knative.dev')
      .every((each) =>
        each.status?.conditions?.some(
          (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
        ),
      ) &&
    isReachable()
  return new Promise((resolve) => {
    const check = () => (isReady() ? resolve() : void setTimeout(check, 20))
    check()
  })
}
