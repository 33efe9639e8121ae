export const SUITES = ['infra', 'mesh', 'knative', 'tls', 'rollout', 'logs', 'chaos'] as const
export type Suite = (typeof SUITES)[number]

export const OUTCOMES = ['pass', 'waived', 'fail', 'blocked', 'skipped', 'error'] as const
export type Outcome = (typeof OUTCOMES)[number]

export type Level = 'required' | 'recommended'
export const EFFECTS = ['reads', 'writes', 'tunes', 'disrupts'] as const
export type Effect = (typeof EFFECTS)[number]

/** What a target can offer beyond the plain Kubernetes API; a check names what it needs. */
export const CAPABILITIES = ['nlb', 'eks', 'istioctl', 'metrics', 'prometheus', 'loki', 'acme', 'k6', 'drain'] as const
export type Capability = (typeof CAPABILITIES)[number]

/** A figure that a check compared or found, with its unit, so that two runs can be compared. */
export interface Measurement {
  name: string
  value: number
  unit: string
}

/** What is not the stack's trouble but a tenant's: the check passes, and says it. */
export interface Remark {
  text: string
  /** The tenant's namespace. */
  namespace?: string
}

/** A finding that a waiver of the stack file accepts. */
export interface Waived {
  finding: string
  /** The waiver's place in the list of the stack file, from 0. */
  waiver: number
  because: string
  /** The last day on which it holds. */
  until: string
}

/** Something to look at after a failure: an object as YAML, events, the end of a log. */
export interface Evidence {
  name: string
  text: string
}

/**
 * What a check can wait for: the stack (a pod to start, a setting to arrive), traffic (so many requests to be answered,
 * because less would show nothing), its turn among other checks, or a program of ours.
 */
export const WAITS_FOR = ['stack', 'traffic', 'turn', 'program'] as const

/** A wait of a check, from and to in milliseconds since the check began. */
export interface Wait {
  what: string
  for: (typeof WAITS_FOR)[number]
  from: number
  to: number
}

/** What is left of one check after a run. */
export interface CheckRecord {
  id: string
  outcome: Outcome
  /** One line: what was seen when it passed, what was expected and seen when it failed, why it was not run. */
  seen: string
  /** The checks that it waited for and that did not pass. */
  blockedBy?: string[]
  /** True where the reason of a skip is one that the target may have (a capability it does not claim). */
  excused?: boolean
  /** True where it was skipped because a run may not do so much to a cluster of others. */
  notAllowed?: boolean
  startedAt: string
  ms: number
  /** How many LIST calls it made itself; one that another had made already is not among them. */
  lists: number
  waits: Wait[]
  measurements: Measurement[]
  remarks: Remark[]
  /** The findings that were accepted; where those are all, its outcome is `waived`. */
  waived: Waived[]
  evidence: Evidence[]
}

/** The record of a check that did not run, or did not yet. */
export const emptyRecord = (id: string, outcome: Outcome, seen: string, startedAt: string): CheckRecord => ({
  ...{ id, outcome, seen, startedAt },
  ...{ ms: 0, lists: 0 },
  ...{ waits: [], measurements: [], remarks: [], waived: [], evidence: [] },
})
