import type { KubeObject } from './object.ts'
import type { Schema, Resource, Column } from './resource.ts'

// API version, plural, kind, short names, n(amespaced) or c(luster), categories, subresources; - for none.
const BUILT_IN = `
v1 pods Pod po n all status,log,proxy,eviction,portforward,exec
v1 services Service svc n all status,proxy
v1 endpoints Endpoints ep n - -
v1 configmaps ConfigMap cm n - -
v1 secrets Secret - n - -
v1 namespaces Namespace ns c - status
v1 nodes Node no c - status,proxy
v1 events Event ev n - -
v1 serviceaccounts ServiceAccount sa n - token
v1 replicationcontrollers ReplicationController rc n all status,scale
v1 persistentvolumeclaims PersistentVolumeClaim pvc n - status
v1 persistentvolumes PersistentVolume pv c - status
v1 resourcequotas ResourceQuota quota n - status
v1 limitranges LimitRange limits n - -
apps/v1 deployments Deployment deploy n all status,scale
apps/v1 replicasets ReplicaSet rs n all status,scale
apps/v1 daemonsets DaemonSet ds n all status
apps/v1 statefulsets StatefulSet sts n all status,scale
batch/v1 jobs Job - n all status
batch/v1 cronjobs CronJob cj n all status
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler hpa n all status
policy/v1 poddisruptionbudgets PodDisruptionBudget pdb n - status
discovery.k8s.io/v1 endpointslices EndpointSlice - n - -
coordination.k8s.io/v1 leases Lease - n - -
networking.k8s.io/v1 networkpolicies NetworkPolicy netpol n - -
networking.k8s.io/v1 ingresses Ingress ing n - status
rbac.authorization.k8s.io/v1 roles Role - n - -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding - n - -
rbac.authorization.k8s.io/v1 clusterroles ClusterRole - c - -
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding - c - -
storage.k8s.io/v1 storageclasses StorageClass sc c - -
scheduling.k8s.io/v1 priorityclasses PriorityClass pc c - -
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration - c - -
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration - c - -
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition crd,crds c - status
apiregistration.k8s.io/v1 apiservices APIService - c - status
`

const list = (text: string): string[] => (text === '-' ? [] : text.split(','))

export const resourceId = (group: string, plural: string): string => (group ? `${plural}.${group}` : plural)

function builtIn(line: string): Resource {
  const [apiVersion = '', plural = '', kind = '', shorts = '-', scope = 'n', categories = '-', subresources = '-'] =
    line.split(' ')
  const at = apiVersion.lastIndexOf('/')
  const group = at < 0 ? '' : apiVersion.slice(0, at)
  const version = apiVersion.slice(at + 1)
  return {
    id: resourceId(group, plural),
    group,
    versions: [version],
    plural,
    singular: kind.toLowerCase(),
    kind,
    shortNames: list(shorts),
    namespaced: scope === 'n',
    categories: list(categories),
    subresources: list(subresources),
    model: kind === 'Event' ? 'CoreV1Event' : `${version.toUpperCase()}${kind}`,
  }
}

/** What is served: the built-in resources, and those of the CRDs there are. */
export class Resources {
  readonly #byId = new Map<string, Resource>()

  constructor() {
    for (const line of BUILT_IN.trim().split('\n')) {
      const resource = builtIn(line)
      this.#byId.set(resource.id, resource)
    }
  }

  all(): Resource[] {
    return [...this.#byId.values()]
  }

  byId(id: string): Resource | undefined {
    return this.#byId.get(id)
  }

  /** The resource of a path, or undefined where that version of it is not served. */
  served(group: string, version: string, plural: string): Resource | undefined {
    const found = this.#byId.get(resourceId(group, plural))
    return found?.versions.includes(version) ? found : undefined
  }

  ofKind(group: string, kind: string): Resource | undefined {
    return this.all().find((each) => each.group === group && each.kind === kind)
  }

  /** Serves what a CustomResourceDefinition defines. */
  define(crd: KubeObject): Resource {
    const { group, names, scope, versions } = crd.spec
    const served = (
      versions as {
        name: string
        served: boolean
        storage: boolean
        schema?: { openAPIV3Schema?: Schema }
        subresources?: object
        additionalPrinterColumns?: Column[]
      }[]
    ).filter((each) => each.served)
    const preferred = served.toSorted((a, b) => versionRank(b.name) - versionRank(a.name))
    const stored = served.find((each) => each.storage) ?? served[0]
    const resource: Resource = {
      id: resourceId(group, names.plural),
      group,
      versions: preferred.map((each) => each.name),
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      kind: names.kind,
      shortNames: names.shortNames ?? [],
      namespaced: scope === 'Namespaced',
      categories: names.categories ?? [],
      subresources: Object.keys(stored?.subresources ?? {}),
      ...(stored?.schema?.openAPIV3Schema ? { schema: stored.schema.openAPIV3Schema } : {}),
      ...(stored?.additionalPrinterColumns ? { columns: stored.additionalPrinterColumns } : {}),
    }
    this.#byId.set(resource.id, resource)
    return resource
  }

  /** Serves it no more. */
  remove(id: string): void {
    this.#byId.delete(id)
  }
}

/** v1 before v1beta1 before v1alpha1, as discovery orders versions. */
function versionRank(version: string): number {
  const [, major = '0', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? []
  return (stage === undefined ? 2 : stage === 'beta' ? 1 : 0) * 10_000 + Number(major) * 100 + Number(minor)
}
