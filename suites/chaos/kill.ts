/** What the declarations of all kills have in common. */
export const KILL = {
  level: 'required',
  effect: 'disrupts',
  within: 'faultCheck',
  requires: ['k6'],
  needs: ['knative/hello-through-lb'],
} as const
