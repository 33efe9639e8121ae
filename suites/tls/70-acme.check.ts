import { check } from '../../src/check/check.ts'
import { orderByDns } from '../../src/tls/acme.ts'

check(
  'tls/acme-dns01',
  {
    asserts: 'where an ACME issuer is configured: its account is registered, and an order by DNS-01 completes',
    guide: '5',
    level: 'recommended',
    effect: 'writes',
    requires: ['acme'],
    needs: ['tls/cert-manager-ready'],
    remedy:
      "kubectl describe the Order and its Challenge: on EKS the solver is dns01.route53 (the guide's cloudDNS is Google's), with a role that may write to the zone",
    within: 'acmeCheck',
  },
  async ({ stack, expect }) => {
    const { account, state, solver, chain, dnsName } = await orderByDns(stack)
    expect(account, "the URI of the issuer's account").toMatch(/^https:\/\//)
    expect(solver, 'solvers of the issuer').toContain('dns01')
    expect(state, 'the state of the order').toBe('valid')
    expect(chain[0]?.checkHost(dnsName), `whether the certificate names ${dnsName}`).toBeTruthy()
    return `account ${account}; order for ${dnsName} valid by DNS-01`
  },
)
