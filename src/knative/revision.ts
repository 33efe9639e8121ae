/** A Revision by its namespace and name. */
export interface RevisionName {
  namespace: string
  revision: string
}

/** The label selector of a revision's pods. */
export const podsOfRevision = (revision: string): string => `serving.knative.dev/revision=${revision}`
