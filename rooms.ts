/** A room of src/: what it is about, and the floor on which it stands. */
interface Room {
  name: string
  about: string
}

/**
 * The rooms of src/, floor by floor from the top. A room imports only from floors below its own, never from a room
 * beside it.
 * `npm run lint` holds this table (.dependency-cruiser.js), and CONTRIBUTING.md shows it (npm run rooms).
 */
export const FLOORS: readonly (readonly Room[])[] = [
  [{ name: 'cli', about: 'the commands' }],
  [
    { name: 'sabotage', about: 'trying faults out, and the matrix of what they were detected by' },
    { name: 'shapes', about: 'healthy stacks of other shapes, and what checks complain of in them' },
  ],
  [{ name: 'run', about: 'a run from its preparation to its reports' }],
  [
    { name: 'chaos', about: 'faults, and what they cost the traffic' },
    { name: 'report', about: 'the reports of a run' },
    { name: 'guide', about: "the guide's parts, and the lines of it that are wrong" },
  ],
  [
    { name: 'rollout', about: 'shifts of traffic, and how they are judged' },
    { name: 'check', about: 'check(), the catalogue, performing checks, evidence' },
  ],
  [{ name: 'stack', about: 'class Stack, which wires the parts together' }],
  [
    { name: 'logs', about: 'access logs, Telemetry, log levels, Loki' },
    { name: 'tls', about: 'certificates, cert-manager, expiry' },
  ],
  [{ name: 'knative', about: 'Knative Serving: settings, Services, the autoscaler' }],
  [
    { name: 'mesh', about: 'Istio: istiod, the gateways, mesh configuration' },
    { name: 'load', about: 'k6: where it comes from, what it sends, what came of it' },
    { name: 'targets', about: 'where a stack comes from: the twin, kind, EKS' },
  ],
  [
    { name: 'traffic', about: 'requests, handshakes, probes, and the pod that sends them in the cluster' },
    { name: 'install', about: 'installing the stack, a file a component' },
  ],
  [{ name: 'cloud', about: 'AWS' }],
  [{ name: 'cluster', about: 'what a check may do to a cluster: read, make, change by the journal, wait' }],
  [{ name: 'survey', about: 'what stands in the cluster, found out before any check' }],
  [
    { name: 'kube', about: 'the Kubernetes API' },
    { name: 'config', about: 'stack.yaml, and what a run is about' },
  ],
  [{ name: 'core', about: 'words that all rooms share: problems, deadlines, scopes, records' }],
]

/** The table of the rooms as CONTRIBUTING.md shows it, the top floor first. */
export const roomsTable = (): string =>
  [
    '| floor | room | what it is about |',
    '|---|---|---|',
    ...FLOORS.flatMap((floor, at) =>
      floor.map(({ name, about }) => `| ${FLOORS.length - at} | \`src/${name}\` | ${about} |`),
    ),
  ].join('\n')
