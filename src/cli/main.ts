import { Command, CommanderError } from 'commander'
import { ClusterProblem, NotAllowed, plainMessage, UsageProblem } from '../core/problem.ts'
import type { UpFlags } from './bring.ts'
import type { ListFlags } from './list.ts'
import type { SabotageFlags } from './sabotage.ts'
import { stackFlags, type StackFlags } from './stack-flags.ts'
import type { TestFlags } from './test.ts'
import type { TwinFlags } from './twin.ts'

const EXITS = `
Exit codes: 0 certified (also with remarks), 1 not certified, 2 incomplete, 3 usage or configuration.`

function build(): Command {
  const program = new Command('plumbline')
    .description(
      'Certifies that a cluster carries an internal load balancer, Istio, Knative Serving and cert-manager, and that they do what the guide says.',
    )
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', EXITS)

  stackFlags(program.command('certify'))
    .description('brings the stack up where the target is kind, runs the checks, and leaves a report in reports/RUN/')
    .option('--only <names>', 'only these suites, effects or checks (commas between), and what they need', commas)
    .option('--rerun <run>', 'only what did not pass in that run (or latest), and what it needs')
    .option(
      '--allow-disruption',
      'on an existing cluster, also run checks that change shared settings, evict and kill; needs --context',
    )
    .option('--time-limit <minutes>', 'cut the run short after so many minutes, clean up and report', minutes)
    .addHelpText('after', `${EXITS}\nExample: plumbline certify --target existing --context prod-eks --only infra,mesh`)
    .action(async (flags: StackFlags) => exit(await (await import('./certify.ts')).certify(flags)))
  stackFlags(program.command('up'))
    .description(
      'brings the stack up on kind, or on an EKS cluster that is there; what is there already stays as it is',
    )
    .option('--plan', 'on eks: print every change and what undoes it, and make none')
    .addHelpText(
      'after',
      '\nExample: plumbline up --mirror ./mirror\nExample: plumbline up --target eks --name my-cluster --plan',
    )
    .action(async (flags: UpFlags) => exit(await (await import('./bring.ts')).up(flags)))
  stackFlags(program.command('down'))
    .description('deletes the kind cluster with all that is in it; on eks takes down what up made, and nothing else')
    .addHelpText('after', '\nExample: plumbline down --stack stacks/kind.yaml')
    .action(async (flags: StackFlags) => exit(await (await import('./bring.ts')).down(flags)))
  stackFlags(program.command('twin'))
    .description('serves the twin, a stand-in for the whole stack on loopback, until Ctrl-C, and prints its kubeconfig')
    .option('--range <number>', 'its loopback range 127.NUMBER (default: the first free one from 20 on)')
    .option('--port <number>', "its API's port (default: 6443)")
    .addHelpText('after', '\nExample: plumbline twin --kubeconfig ./twin.yaml')
    .action(async (flags: TwinFlags) => exit(await (await import('./twin.ts')).twin(flags)))
  stackFlags(program.command('sabotage'))
    .description('breaks the stack in every way that is known, and sees that the right checks notice, and no others')
    .option('--only <names>', 'only these sabotages, or those that these checks must notice (commas between)', commas)
    .option('--lanes <number>', 'how many twins side by side (default: 4)', Number)
    .option('--compare <run>', 'the run of another matrix: every outcome that differs from it is told, and counts')
    .option('--allow-disruption', 'allow that an existing cluster is sabotaged; with --context')
    .option('--time-limit <minutes>', 'after so many minutes put back, and report', minutes)
    .addHelpText('after', '\nExit codes: 0 all detected, 1 not, 3 usage.\nExample: plumbline sabotage --only mesh/crds')
    .action(async (flags: SabotageFlags) => exit(await (await import('./sabotage.ts')).sabotage(flags)))
  stackFlags(program.command('token', { hidden: true }))
    .description("prints a token for an EKS cluster, as a kubeconfig's exec plugin does")
    .option('--endpoint <url>', "where AWS's APIs are, for a stand-in")
    .action(async (flags: StackFlags) => exit(await (await import('./token.ts')).token(flags)))
  program
    .command('list')
    .description('lists the checks')
    .option('--only <names>', 'only these suites, effects or checks (commas between), and what they need', commas)
    .option(
      '--guide',
      "the guide's parts with the checks that cover each, and its lines that are wrong with the checks that show it",
    )
    .option('--markdown', 'as a table in Markdown')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample: plumbline list --only knative')
    .action(async (flags: ListFlags) => exit(await (await import('./list.ts')).list(flags)))
  program
    .command('report')
    .description('makes the reports of a run again from what it left, and tells where they are')
    .argument('[run]', 'the run', 'latest')
    .addHelpText('after', '\nExample: plumbline report latest')
    .action(async (run: string) => exit(await (await import('./report.ts')).report(run)))
  program
    .command('recover')
    .description('undoes what runs that were killed left in their clusters')
    .argument('[run]', 'only this run')
    .addHelpText('after', '\nExample: plumbline recover')
    .action(async (run: string | undefined) => exit(await (await import('./recover.ts')).recover(run)))
  program
    .command('test')
    .description("Plumbline's own tests: types, lint, unit tests, a certify of the twin, and sabotages on it")
    .option('--quick', 'without the twin: types, lint and unit tests alone')
    .option('--whole', 'every sabotage, not the quarter whose turn it is by the commit')
    .option('--lanes <number>', 'how many twins side by side (default: 4)', Number)
    .addHelpText('after', '\nExample: plumbline test --quick')
    .action(async (flags: TestFlags) => exit(await (await import('./test.ts')).test(flags)))
  return program
}

const commas = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)

function minutes(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageProblem(`--time-limit is "${text}"; it must be a number of minutes above 0.`)
  return value
}

const exit = (code: number): void => {
  process.exitCode = code
}

try {
  await build().parseAsync()
} catch (problem) {
  if (problem instanceof CommanderError) process.exitCode = problem.exitCode === 0 ? 0 : 3
  else {
    const expected = [UsageProblem, ClusterProblem, NotAllowed].some((kind) => problem instanceof kind)
    console.error(expected || !process.env.PLUMBLINE_DEBUG ? plainMessage(problem) : problem)
    process.exitCode = 3
  }
}
