import { stackKeys, type StackKey } from './stack-keys.ts'

/** An example for each key, as YAML. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  target: 'existing',
  'twin.cloud': 'aws',
  kubeconfig: '~/.kube/prod',
  context: 'prod',
  'cluster.name': 'prod',
  'bring.versions': '{ kubernetes: 1.34.4, istio: 1.31.0 }',
  'bring.domain': 'apps.example.com',
  'bring.zones': '[a, b]',
  'bring.nodeImage': 'kindest/node:v1.34.4',
  'bring.pool': '172.18.255.200-172.18.255.250',
  'bring.mirror': './mirror',
  'bring.controller.role': 'arn:aws:iam::123456789012:role/lb',
  'bring.controller.identity': 'irsa',
  'bring.controller.chart': './charts/lb.tgz',
  'bring.controller.values': '{ replicaCount: 1 }',
  'expect.versions': "{ kubernetes: '1.34', istio: any }",
  'expect.scheme': 'https',
  'expect.domain': 'apps.example.com',
  'expect.zones': '3',
  'expect.nlb.scheme': 'internal',
  'expect.nlb.tls': 'acm',
  'gateway.namespace': 'istio-ingress',
  'gateway.service': 'istio-ingress',
  'istio.istiod.namespace': 'istio-system',
  'istio.istiod.revision': 'stable',
  'knative.namespace': 'serving',
  'certManager.namespace': 'pki',
  'loadBalancer.maker': 'metallb',
  'ours.labels': '{ team: platform }',
  'ours.annotations': '{ cost-center: "42" }',
  'ours.namespaceLabels': '{ pod-security.kubernetes.io/enforce: restricted }',
  'ours.namespaceAnnotations': '{ owner: platform }',
  'ours.pullSecrets': '[platform/registry]',
  'ours.registry': 'registry.example.com/mirror',
  'ours.headers': '{ Authorization: { env: GATEWAY_TOKEN } }',
  'waive[].check': 'mesh/analyze-clean',
  'waive[].match': '{ code: IST0101, object: shop/cart }',
  'waive[].because': 'ticket 42',
  'waive[].until': '2027-03-31',
  'aws.region': 'eu-central-1',
  'aws.profile': 'nightly',
  'aws.endpoint': 'http://127.0.0.1:4566',
  'dns.servers': '[10.0.0.2]',
  'addresses.ingress': '10.0.0.80',
  'addresses.ports.http': '8080',
  'addresses.ports.https': '8443',
  'observability.prometheus': 'monitoring/prometheus:9090',
  'observability.loki': 'monitoring/loki:3100',
  'acme.issuer': 'letsencrypt-staging',
  'acme.dnsName': 'try.example.com',
  vantage: 'cluster',
  'images.node': 'registry.example.com/node:24-alpine',
  'images.nginx': 'registry.example.com/nginx:alpine',
  'images.onNodes': 'true',
  'load.from': 'job',
  'load.image': 'registry.example.com/k6:1.8.1',
  'budgets.drain-node': '{ failed: 3 }',
  'budgets.drain-zone': '{ failed: 3 }',
  'budgets.gateway-rollout': '{ failed: 3 }',
  'budgets.nlb-target-drain': '{ failed: 3 }',
  'budgets.kill-gateway': '{ failed: 60, gapSeconds: 8 }',
  'budgets.kill-activator': '{ failed: 60 }',
  'budgets.kill-autoscaler': '{ gapSeconds: 2 }',
  'budgets.kill-istiod': '{ gapSeconds: 2 }',
  'budgets.kill-webhook': '{ gapSeconds: 2 }',
  'budgets.kill-queue-proxy': '{ failed: 60 }',
  'budgets.coldStartSeconds': '30',
  'chaos.nodes': '1',
  'chaos.mayEvict': '[shop/cart-db]',
  'deadlines.factor': '2',
}

const TOP = `# stack.yaml

This file is generated: \`npm run stack\` writes it. A stack file says where the stack is, what Plumbline
installs there, and what must be found. Every key has a default: an empty file is a stack. The file is
\`stack.yaml\` of the working directory, or that of \`--stack FILE\`; a flag overrides a key. Paths in it
are relative to the file. A key that does not exist, or a value that does not fit, is refused with its
line before anything is started.

## What is brought, and what is expected

\`bring\` is what the targets kind, eks and twin install. \`expect\` is what must be found, and nothing is
asserted that is not said there, with one exception: what Plumbline installs itself is expected too. So
on kind a check fails where it finds another version than \`bring.versions\` has, and on \`existing\` no
version is asserted until \`expect.versions\` names one. An \`expect\` that contradicts \`bring\` is refused,
with both keys. In \`expect.versions\`, \`1.34\` is each patch of that minor version, and \`any\` takes back
what \`bring\` would assert: useful on EKS, where \`up\` leaves a component that is there already as it is.

    target: existing
    context: prod
    expect:
      versions: { kubernetes: '1.34', istio: 1.31.0 }
      domain: apps.example.com
      zones: 3

## What is found out

Plumbline looks for gateways, istiods, Knative, cert-manager and what makes the load balancer by what
they are, not by their names. \`plumbline survey\` prints what it found, and by what. The keys \`gateway\`,
\`istio\`, \`knative\`, \`certManager\` and \`loadBalancer\` are needed only where it finds two of a kind, or
another than you mean.

## What is ours

On a cluster with strict admission our namespaces and pods may need labels, annotations or pull secrets,
and a gateway with a login may need a header. A header's value stands in the file (\`value\`), in a
variable (\`env\`) or in another file (\`file\`). It is asked for before a run starts, it is in no report,
trace or log, and run.json has only where it stands.

    ours:
      namespaceLabels: { pod-security.kubernetes.io/enforce: restricted }
      pullSecrets: [platform/registry]
      headers:
        Authorization: { env: GATEWAY_TOKEN }
        Cookie: { file: ./cookie }

## Waivers

A waiver accepts one finding of one check until a day. \`match\` is a part of the finding's text, a
\`/regular expression/\`, or for istioctl's messages the code and the object. Where a check lists several
findings, each is matched by itself: a finding that no waiver matches still fails the check. What is
waived is shown with its reason and end, the verdict says "certified with 2 waivers", and a check that
needs a waived one is tried. A waiver that has ended no longer waives, and the report says so; it also
names a waiver that matches nothing any more. A sabotage ignores waivers.

    waive:
      - check: mesh/analyze-clean
        match: { code: IST0101, object: VirtualService shop/cart }
        because: ticket 42, the shop moves in March
        until: 2027-03-31
`

/** docs/stack.md: what a stack file is, and a table of all of its keys. */
export const stackPage = (): string =>
  [
    TOP,
    '## All keys',
    '',
    '| key | default | meaning | example |',
    '|---|---|---|---|',
    ...stackKeys().map(rowOf),
    '',
  ].join('\n')

const rowOf = ({ name, fallback, meaning }: StackKey): string =>
  `| \`${name}\` | ${fallback} | ${meaning} | \`${EXAMPLES[name] ?? ''}\` |`
