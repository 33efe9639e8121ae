import { z } from 'zod'
import { EFFECTS, OUTCOMES, SUITES, WAITS_FOR } from '../core/record.ts'
import { WAIVER_STATES } from './waivers.ts'
import { VERDICTS } from './verdict.ts'

/** report.json, as docs/report.schema.json publishes it. */
export const reportSchema = z.strictObject({
  schema: z.literal('plumbline.report/v1'),
  run: z.string().describe('the id of the run, and its folder in reports/'),
  verdict: z.enum(VERDICTS),
  covers: z.string().describe('what was tried, and how many checks were not allowed or do not apply'),
  scope: z
    .enum(['whole', 'selection'])
    .describe('whole: every check of the catalogue; selection: those that --only or --rerun chose'),
  interrupted: z.boolean(),
  died: z.string().optional().describe('why the target is gone, where it went in the middle of the run'),
  target: z.string(),
  context: z.string(),
  traffic: z.string().describe('where requests and load started'),
  aws: z.string().optional().describe('as whom AWS was asked, and where'),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  seconds: z.number().nonnegative(),
  counts: z.strictObject(
    Object.fromEntries(OUTCOMES.map((outcome) => [outcome, z.int().nonnegative()])) as Record<
      (typeof OUTCOMES)[number],
      z.ZodInt
    >,
  ),
  versions: z.record(z.string(), z.string()).describe('what was found installed, by component'),
  topology: z.array(
    z.strictObject({ node: z.string(), zone: z.string(), roles: z.string(), version: z.string(), ready: z.boolean() }),
  ),
  found: z
    .array(
      z.strictObject({
        part: z.string(),
        fact: z.string(),
        value: z.string().describe("'unknown: why' for what could not be looked at, 'none' for what is not there"),
        by: z.string().describe('where it stands'),
        key: z.string().optional().describe('the key of stack.yaml that overrides it'),
      }),
    )
    .describe('what the survey found in the cluster before the checks'),
  lists: z.int().nonnegative().describe('LIST calls of all checks together'),
  leftBehind: z.array(z.string()).describe('what could not be undone; plumbline recover tries again'),
  criticalPath: z
    .strictObject({
      seconds: z.number().nonnegative(),
      mandated: z.number().nonnegative(),
      steps: z.array(
        z.strictObject({
          id: z.string(),
          from: z.number().describe('seconds since the run began'),
          seconds: z.number().nonnegative(),
          mandated: z.number().nonnegative(),
          longest: z.strictObject({ what: z.string(), seconds: z.number().nonnegative() }).optional(),
        }),
      ),
    })
    .describe(
      'the checks that made the run as long as it was, in their order; ' +
        'mandated: seconds in which they waited for the stack, or for traffic that they must send',
    ),
  waivers: z
    .array(
      z.strictObject({
        check: z.string(),
        match: z.string(),
        because: z.string(),
        until: z.string().describe('the last day on which it holds (UTC)'),
        state: z
          .enum(WAIVER_STATES)
          .describe('used: it accepted a finding; matches nothing: its check had no such finding; not tried: not run'),
      }),
    )
    .describe('the waivers of the stack file, in their order'),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      suite: z.enum(SUITES),
      asserts: z.string(),
      guide: z.string(),
      level: z.enum(['required', 'recommended']),
      effect: z.enum(EFFECTS),
      needs: z.array(z.string()),
      /** What to do when it fails, step by step. */
      remedy: z.array(z.string()),
      outcome: z.enum(OUTCOMES),
      seen: z.string().describe('what was seen, what was expected and seen, or why it was not run'),
      blockedBy: z.array(z.string()).optional(),
      excused: z.boolean().optional().describe('for a skip: whether this target may lack what the check needs'),
      notAllowed: z.boolean().optional().describe('for a skip: whether the run may not do so much to this cluster'),
      startedAt: z.string(),
      ms: z.number().nonnegative(),
      lists: z.int().nonnegative().describe('LIST calls that the check made itself'),
      waits: z
        .array(
          z.strictObject({
            what: z.string(),
            for: z.enum(WAITS_FOR),
            from: z.number().nonnegative(),
            to: z.number().nonnegative(),
          }),
        )
        .describe('what it waited for, from and to in milliseconds since it began'),
      measurements: z.array(z.strictObject({ name: z.string(), value: z.number(), unit: z.string() })),
      remarks: z
        .array(z.strictObject({ text: z.string(), namespace: z.string().optional() }))
        .describe("what it saw of tenants' objects: no trouble of the stack"),
      waived: z
        .array(z.strictObject({ finding: z.string(), waiver: z.int(), because: z.string(), until: z.string() }))
        .describe('findings that a waiver accepts, each with the place of the waiver in waivers'),
      evidence: z.array(z.strictObject({ name: z.string(), text: z.string() })),
    }),
  ),
})

export type Report = z.infer<typeof reportSchema>
export type ReportedCheck = Report['checks'][number]
