import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { conditionOf } from '../kube/until.ts'
import { CERTIFICATE, isIssued } from './cert-manager.ts'
import { HOUR_MS } from './renewer.ts'

/** How long a renewal may take: a failed one is retried after an hour. */
const RENEWAL_TAKES_MS = 2 * HOUR_MS

/** What is wrong with a Certificate, as a sentence; undefined where nothing is. */
export function certificateTrouble(certificate: KubernetesObject, now: number): string | undefined {
  const name = `Certificate ${certificate.metadata?.namespace}/${certificate.metadata?.name}`
  const { notAfter, renewalTime } = (certificate.status ?? {}) as { notAfter?: string; renewalTime?: string }
  const ready = conditionOf(certificate, 'Ready')
  const message = ready?.message ?? 'cert-manager has not set a Ready condition yet'
  if (notAfter && Date.parse(notAfter) < now) return `${name} expired at ${notAfter}: ${message}`
  if (renewalTime && Date.parse(renewalTime) + RENEWAL_TAKES_MS < now)
    return `${name} was due for renewal at ${renewalTime} and has not been renewed: ${message}`
  return ready?.status === 'True' ? undefined : `${name} is not Ready: ${message}`
}

/** Whether cert-manager is about to issue a Certificate, or has not looked at it yet. */
const isUnderWay = (certificate: KubernetesObject): boolean =>
  conditionOf(certificate, 'Issuing')?.status === 'True' || conditionOf(certificate, 'Ready') === undefined

/**
 * The Certificates in trouble, each with the tenant's namespace where it is a tenant's. One of the stack that is being
 * issued is waited for first.
 */
export async function certificateFindings(
  stack: Pick<Cluster, 'until'>,
  {
    certificates,
    tenantOf,
    now,
  }: {
    certificates: readonly KubernetesObject[]
    tenantOf: (certificate: KubernetesObject) => string | undefined
    now: number
  },
): Promise<{ text: string; tenant?: string | undefined }[]> {
  const findings = await Promise.all(
    certificates.map(async (certificate) => {
      const text = certificateTrouble(certificate, now)
      const tenant = tenantOf(certificate)
      if (!text) return []
      const left = tenant === undefined && isUnderWay(certificate) ? await troubleOnceIssued(stack, certificate) : text
      return left ? [{ text: left, tenant }] : []
    }),
  )
  return findings.flat()
}

async function troubleOnceIssued(
  stack: Pick<Cluster, 'until'>,
  { metadata }: KubernetesObject,
): Promise<string | undefined> {
  const watched = { kind: CERTIFICATE, namespace: metadata?.namespace, name: metadata?.name ?? '' }
  try {
    const [issued] = await stack.until(watched, isIssued, 'issued')
    return issued && certificateTrouble(issued, Date.now())
  } catch (problem) {
    if (problem instanceof StackFailure) return problem.message
    throw problem
  }
}
