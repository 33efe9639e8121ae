import { execa } from 'execa'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import { parseManifest } from '../kube/manifest.ts'
import { deploymentMark, type Component, type InstallContext } from './component.ts'

const REPOSITORY = 'https://aws.github.io/eks-charts'
export const CONTROLLER = { namespace: 'kube-system', name: 'aws-load-balancer-controller' } as const

/** The AWS Load Balancer Controller by its Helm chart: it makes the NLB of the gateway's Service. */
export const lbController: Component = {
  name: 'lb-controller',
  after: [],
  mark: deploymentMark(CONTROLLER.namespace, CONTROLLER.name),
  async objects(context) {
    const { stdout } = await execa('helm', ['template', ...chartArgs(context), '--include-crds'])
    return parseManifest(stdout, 'helm template').map((object) => ({
      ...object,
      // What has no namespace in a chart goes into that of the release.
      ...(isOfNamespace(object.kind) ? { metadata: { namespace: CONTROLLER.namespace, ...object.metadata } } : {}),
    }))
  },
  async install(context) {
    const seconds = Math.round(deadline('componentAvailable') / 1000)
    const { config, signal } = context
    const done = await execa(
      'helm',
      [
        ...['upgrade', '--install', ...chartArgs(context), '--kube-context', context.context],
        ...(config.kubeconfig ? ['--kubeconfig', config.kubeconfig] : []),
        ...['--wait', '--timeout', `${seconds}s`],
      ],
      { reject: false, all: true, cancelSignal: signal },
    )
    if (done.failed) throw new StackFailure(`helm could not install ${CONTROLLER.name}: ${whyHelmFailed(done.all)}`)
  },
}

/** Takes the release away, where it is there. */
export async function uninstallController({ config, context, signal }: InstallContext): Promise<void> {
  const seconds = Math.round(deadline('componentAvailable') / 1000)
  const done = await execa(
    'helm',
    [
      ...['uninstall', CONTROLLER.name, '--namespace', CONTROLLER.namespace, '--kube-context', context],
      ...(config.kubeconfig ? ['--kubeconfig', config.kubeconfig] : []),
      ...['--ignore-not-found', '--wait', '--timeout', `${seconds}s`],
    ],
    { reject: false, all: true, cancelSignal: signal },
  )
  if (done.failed) throw new StackFailure(`helm could not uninstall ${CONTROLLER.name}: ${whyHelmFailed(done.all)}`)
}

function chartArgs({ config, eks }: InstallContext): string[] {
  const { chart, role, identity, values } = config.bring.controller
  const version = config.bring.versions['lb-controller']?.replace(/^v/, '')
  const isFile = /[/\\]|\.tgz$/.test(chart)
  const given = {
    clusterName: eks?.name,
    region: eks?.region,
    // Where nodes let no pod ask the instance's metadata, it cannot find this out.
    vpcId: eks?.vpc,
    serviceAccount: {
      name: CONTROLLER.name,
      ...(identity === 'irsa' && role ? { annotations: { 'eks.amazonaws.com/role-arn': role } } : {}),
    },
    ...values,
  }
  return [
    ...[CONTROLLER.name, chart, '--namespace', CONTROLLER.namespace],
    ...(isFile ? [] : ['--repo', REPOSITORY]),
    ...(version && !isFile ? ['--version', version] : []),
    ...Object.entries(given).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
  ]
}

const isOfNamespace = (kind = ''): boolean =>
  !/^(Cluster|CustomResourceDefinition|IngressClass|MutatingWebhook|ValidatingWebhook|Namespace)/.test(kind)

const whyHelmFailed = (output: string): string =>
  output
    .split('\n')
    .findLast((line) => /^Error: /.test(line))
    ?.replace('Error: ', '') ??
  output.trim().split('\n').at(-1) ??
  'it said nothing'
