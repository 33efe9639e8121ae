// Lists of built-in types whose items have an identity: the key fields by which patches merge them (k8s.io/api,
// patchMergeKey and listMapKey). `ports` is keyed by what its items have. Every other list is replaced as a whole.
const KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  ownerReferences: ['uid'],
  conditions: ['type'],
  webhooks: ['name'],
  secrets: ['name'],
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields that identify the items of the list `field`, or undefined where it is replaced as a whole. */
export function mergeKeysOf(field: string, items: readonly unknown[]): readonly string[] | undefined {
  if (!items.every(isObject)) return undefined
  if (field === 'ports') {
    if (items.some((item) => 'containerPort' in item)) return ['containerPort', 'protocol']
    return items.some((item) => 'port' in item) ? ['port', 'protocol'] : undefined
  }
  const keys = KEYS[field]
  return keys && items.every((item) => keys.every((key) => key in item)) ? keys : undefined
}

/** What identifies an item by its key fields; a port without a protocol is a TCP port. */
export const identityOf = (item: unknown, keys: readonly string[]): string =>
  JSON.stringify(
    Object.fromEntries(
      keys.map((key) => [key, (item as Record<string, unknown>)[key] ?? (key === 'protocol' ? 'TCP' : undefined)]),
    ),
  )
