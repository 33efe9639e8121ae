import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { UsageProblem } from '../core/problem.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { namesTarget, readStackFile, type StackOverrides } from '../config/stack-file.ts'

/** The flags of every command that is about a stack; those that name a key of stack.yaml override it. */
export interface StackFlags {
  stack?: string
  target?: string
  context?: string
  kubeconfig?: string
  name?: string
  nodeImage?: string
  domain?: string
  vantage?: string
  region?: string
  profile?: string
  endpoint?: string
  cloud?: string
  mirror?: string
  deadlineFactor?: number
  only?: string[]
  rerun?: string
  allowDisruption?: boolean
  trace?: boolean
  timeLimit?: number
}

/** Adds those flags to a command. */
export const stackFlags = (command: Command): Command =>
  command
    .option('--stack <file>', 'the stack file (default: stack.yaml)')
    .option('--target <target>', 'twin, kind, eks or existing')
    .option('--context <name>', 'the context of the kubeconfig')
    .option('--kubeconfig <file>', 'the kubeconfig')
    .option('--name <name>', 'the name of the kind or EKS cluster')
    .option('--node-image <image>', 'the image of a kind node')
    .option('--domain <domain>', "Knative's domain: to install, and to expect")
    .option('--vantage <place>', 'where HTTP requests start: local or cluster')
    .option('--region <region>', 'the AWS region')
    .option('--profile <profile>', 'a profile of the AWS configuration')
    .option('--cloud <cloud>', "the twin's load balancers: metallb, or aws with AWS's APIs")
    .option('--mirror <dir>', 'a folder with the release manifest COMPONENT.yaml of each component')
    .option('--deadline-factor <number>', 'multiply every deadline by this number', Number)

/**
 * Reads the stack file with the flags laid over it, and `more` under them.
 * @throws UsageProblem for anything that does not fit
 */
export function readStack(flags: StackFlags, more: StackOverrides = {}): StackConfig {
  const given = {
    ...more,
    target: flags.target,
    context: flags.context,
    kubeconfig: flags.kubeconfig,
    vantage: flags.vantage,
    bring: { domain: flags.domain, mirror: flags.mirror, nodeImage: flags.nodeImage },
    expect: { domain: flags.domain },
    ...(flags.region || flags.profile || flags.endpoint
      ? { aws: { region: flags.region, profile: flags.profile, endpoint: flags.endpoint } }
      : {}),
    ...(flags.cloud ? { twin: { cloud: flags.cloud } } : {}),
    ...(flags.name ? { cluster: { name: flags.name } } : {}),
    ...(flags.deadlineFactor === undefined ? {} : { deadlines: { factor: flags.deadlineFactor } }),
  }
  return readStackFile(stackFileOf(flags), given)
}

/** The stack file that is meant: the one of --stack, that of the working directory, or that of Plumbline itself. */
function stackFileOf({ stack }: StackFlags): string {
  const here = stack ?? 'stack.yaml'
  return stack || existsSync(here) ? here : join(import.meta.dirname, '..', '..', 'stack.yaml')
}

/**
 * In CI the target must be named: the default is the twin, and no job is to certify a stand-in by oversight.
 * @throws UsageProblem where neither --target nor the stack file names one
 */
export function requireNamedTarget(flags: StackFlags): void {
  const isCi = !['', '0', 'false'].includes(process.env.CI ?? '')
  if (!isCi || flags.target || namesTarget(stackFileOf(flags))) return
  throw new UsageProblem(
    'No target is named, and in CI (CI is set) Plumbline does not certify its twin by default: ' +
      'name one with --target, or with target in the stack file.',
  )
}
