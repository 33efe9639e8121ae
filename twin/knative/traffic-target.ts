export interface Target {
  revisionName?: string
  configurationName?: string
  latestRevision?: boolean
  percent?: number
  tag?: string
  url?: string
}
