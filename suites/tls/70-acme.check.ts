import { check } from '../../src/check/check.ts'
import { orderByDns } from '../../src/tls/acme.ts'

check(
  'tls/acme-dns01',
  {
    asserts: 'the configured ACME issuer has an account and completes an order with a DNS-01 challenge',
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    requires: ['acme'],
    needs: ['tls/cert-manager-ready'],
    remedy: [
      'Run kubectl describe order,challenge and read the reason',
      "On EKS, set dns01.route53 as the solver (the guide's cloudDNS is Google's)",
      'Give cert-manager an IAM role that may change the Route 53 zone',
    ],
    within: 'acmeCheck',
  },
  async ({ stack, expect }) => {
    const { account, state, solvers, chain, dnsName } = await orderByDns(stack)
    expect(account, 'ACME issuer, status.acme.uri').toMatch(/^https:\/\//)
    expect(solvers, 'ACME issuer, solvers').toContain('dns01')
    expect(state, `ACME Order for ${dnsName}, state`).toBe('valid')
    expect(Boolean(chain[0]?.checkHost(dnsName))).toHold(
      `the issued certificate is for ${chain[0]?.subjectAltName}, expected ${dnsName}`,
    )
    return `account ${account} completed an order for ${dnsName} with DNS-01`
  },
)
