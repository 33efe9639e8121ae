import { Command, CommanderError } from 'commander'
import { ClusterProblem, NotAllowed, plainMessage, UsageProblem } from '../core/problem.ts'
import type { UpFlags } from './bring.ts'
import type { DownFlags } from './down.ts'
import type { ListFlags } from './list.ts'
import type { ShapesFlags } from './shapes.ts'
import type { SabotageFlags } from './sabotage.ts'
import { stackFlags, type StackFlags } from './stack-flags.ts'
import type { SurveyFlags } from './survey.ts'
import type { TestFlags } from './test.ts'
import type { TwinFlags } from './twin.ts'

const EXITS = `
Exit codes: 0 certified (also with remarks), 1 not certified, 2 incomplete, 3 nothing to judge: a wrong flag or stack
file, no cluster, another run that changes it, or a report.json that could not be written.`

function build(): Command {
  const program = new Command('plumbline')
    .description(
      'Certifies that a cluster carries an internal load balancer, Istio, Knative Serving and cert-manager, ' +
        'and that they do what the guide says.',
    )
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', EXITS)

  stackFlags(program.command('certify'))
    .description('run the checks and write a report to reports/RUN/; on the target kind, bring the stack up first')
    .option('--only <names>', 'run only these suites, effects or checks (comma-separated), and what they need', commas)
    .option('--rerun <run>', 'run only what did not pass in that run (or latest), and what it needs')
    .option(
      '--allow-disruption',
      'on an existing cluster, also run checks that change shared settings, evict or kill; needs --context',
    )
    .option('--time-limit <minutes>', 'end the run after this many minutes, clean up and report', minutes)
    .option('--trace', 'write every API call, wait and request to reports/RUN/trace.jsonl (or set PLUMBLINE_TRACE=1)')
    .addHelpText(
      'after',
      `${EXITS}
Example: plumbline certify --target existing --context prod-eks --only infra,mesh
Example: plumbline certify --rerun latest --trace`,
    )
    .action(async (flags: StackFlags) => exit(await (await import('./certify.ts')).certify(flags)))
  stackFlags(program.command('survey'))
    .description('print what stands in the cluster: each fact, by what it was found, and the key that overrides it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 all facts are known, 2 some could not be looked at, 3 a wrong flag or stack file, or no cluster.
Example: plumbline survey --target existing --context prod-eks`,
    )
    .action(async (flags: SurveyFlags) => exit(await (await import('./survey.ts')).survey(flags)))
  stackFlags(program.command('up'))
    .description(
      'install the stack on kind, or on an existing EKS cluster; components that are already installed do not change',
    )
    .option('--plan', 'on EKS: print every change and what undoes it, without making any')
    .addHelpText(
      'after',
      '\nExample: plumbline up --mirror ./mirror\nExample: plumbline up --target eks --name my-cluster --plan',
    )
    .action(async (flags: UpFlags) => exit(await (await import('./bring.ts')).up(flags)))
  stackFlags(program.command('down'))
    .description('delete the kind cluster; on EKS remove what up installed, and nothing else')
    .option('--plan', 'print what would be deleted and what would stay, without deleting anything')
    .option('--yes', 'delete without asking; needed where there is no terminal to ask on')
    .addHelpText(
      'after',
      '\nExample: plumbline down --stack stacks/kind.yaml\nExample: plumbline down --target eks --name mine --plan',
    )
    .action(async (flags: DownFlags) => exit(await (await import('./down.ts')).down(flags)))
  stackFlags(program.command('twin'))
    .description('serve the twin, a stand-in for the stack on loopback, until Ctrl-C, and print its kubeconfig')
    .option('--range <number>', 'the loopback range 127.NUMBER of the twin (default: the first free one from 20 on)')
    .option('--port <number>', 'the port of its API (default: 6443)')
    .option('--layout <json>', 'what differs from the usual layout of its stack (docs/twin.md)')
    .addHelpText('after', '\nExample: plumbline twin --kubeconfig ./twin.yaml')
    .action(async (flags: TwinFlags) => exit(await (await import('./twin.ts')).twin(flags)))
  stackFlags(program.command('shapes'))
    .description('give the stack every known healthy shape, and verify that no check complains')
    .option('--list', 'list the shapes')
    .option('--only <names>', 'try only these shapes (comma-separated)', commas)
    .option('--lanes <number>', 'how many twins run side by side (default: 4)', Number)
    .option('--charts <dir>', 'the folder of the Helm charts that shapes are made from on kind (or PLUMBLINE_CHARTS)')
    .option('--whole', 'run every check, not only those that read or write and two others')
    .option('--time-limit <minutes>', 'end after this many minutes, put the shape back and report', minutes)
    .addHelpText(
      'after',
      '\nExit codes: 0 no false alarm, 1 false alarms, 3 usage.\nExample: plumbline shapes --only gateway-chart',
    )
    .action(async (flags: ShapesFlags) => exit(await (await import('./shapes.ts')).shapes(flags)))
  stackFlags(program.command('sabotage'))
    .description('break the stack in every known way, and verify that the right checks fail, and no others')
    .option(
      '--only <names>',
      'run only these sabotages, or those that these checks must detect (comma-separated)',
      commas,
    )
    .option('--lanes <number>', 'how many twins run side by side (default: 4)', Number)
    .option(
      '--compare <run>',
      'compare with the matrix of this run: every outcome that differs is listed and counts as wrong',
    )
    .option('--allow-disruption', 'allow sabotage of an existing cluster; needs --context')
    .option('--time-limit <minutes>', 'end after this many minutes, undo the fault and report', minutes)
    .addHelpText(
      'after',
      '\nExit codes: 0 all detected, 1 not all detected, 3 usage.\nExample: plumbline sabotage --only mesh/crds',
    )
    .action(async (flags: SabotageFlags) => exit(await (await import('./sabotage.ts')).sabotage(flags)))
  stackFlags(program.command('token', { hidden: true }))
    .description("print a token for an EKS cluster, as a kubeconfig's exec plugin does")
    .option('--endpoint <url>', "the URL of AWS's APIs, for a stand-in")
    .action(async (flags: StackFlags) => exit(await (await import('./token.ts')).token(flags)))
  program
    .command('list')
    .description('list the checks')
    .option('--only <names>', 'run only these suites, effects or checks (comma-separated), and what they need', commas)
    .option('--guide', "order the checks by the guide's parts, with the guide's errors")
    .option('--markdown', 'print a Markdown table')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample: plumbline list --only knative')
    .action(async (flags: ListFlags) => exit(await (await import('./list.ts')).list(flags)))
  program
    .command('report')
    .description('write the reports of a run again, and print where they are')
    .argument('[run]', 'the id of the run', 'latest')
    .addHelpText('after', '\nExample: plumbline report latest')
    .action(async (run: string) => exit(await (await import('./report.ts')).report(run)))
  program
    .command('recover')
    .description('undo what killed runs left in their clusters')
    .argument('[run]', 'only this run')
    .addHelpText('after', '\nExample: plumbline recover')
    .action(async (run: string | undefined) => exit(await (await import('./recover.ts')).recover(run)))
  program
    .command('test')
    .description("run Plumbline's own tests: types, lint, unit tests, a certify of the twin, and sabotages on it")
    .option('--quick', 'run only types, lint and unit tests')
    .option('--whole', 'run every sabotage and shape, not only those that the commit selects')
    .option(
      '--lanes <number>',
      'how many twins run side by side (default: as many as there are cores, at most 4)',
      Number,
    )
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
  if (!(value > 0)) throw new UsageProblem(`--time-limit is "${text}": expected a number of minutes above 0.`)
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
