/** The header in which a request to the agent carries the token of its run. */
export const TOKEN_HEADER = 'x-plumbline-token'

/** The reason that the agent gives for a probe that it does not know: it was started anew since. */
export const UNKNOWN_PROBE = 'UnknownProbe'

/**
 * The label of the pods from which a run sends its traffic: a fault leaves them alone, because it is they that measure
 * it.
 */
export const INSTRUMENT_LABEL = 'plumbline.dev/instrument'
