import { check } from '../../src/check/check.ts'
import { analyze } from '../../src/mesh/istioctl.ts'
import { routeConflicts } from '../../src/mesh/virtual-services.ts'

check(
  'mesh/analyze-clean',
  {
    asserts: 'istioctl analyze over all namespaces finds no error; each warning is listed',
    guide: '4,7',
    level: 'required',
    effect: 'reads',
    requires: ['istioctl'],
    remedy: 'each message has a page of its own under istio.io/latest/docs/reference/config/analysis, by its code',
  },
  async ({ stack, expect, measure }) => {
    const messages = await analyze(stack)
    const told = (level: string) =>
      messages
        .filter((each) => each.level === level)
        .map((each) => `${each.code} ${each.origin ?? ''}: ${each.message}`)
    expect(told('Error'), 'errors of istioctl analyze').toBeNone()
    const warnings = told('Warning')
    measure('warnings', warnings.length, 'messages')
    return warnings.length
      ? `no error, ${warnings.length} warnings:\n${warnings.join('\n')}`
      : 'no error and no warning'
  },
)

check(
  'mesh/route-conflicts',
  {
    asserts: 'no two VirtualServices claim the same host on the same gateway',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: 'merge the two into one VirtualService, or take the host out of one: which of them wins is not defined',
  },
  async ({ stack, expect }) => {
    const services = await stack.all('networking.istio.io/v1beta1/VirtualService')
    const conflicts = routeConflicts(services)
    expect(conflicts, 'hosts that more than one VirtualService claims').toBeNone()
    return services.length
      ? `${services.length} VirtualServices, no host claimed twice`
      : 'there is no VirtualService in the cluster that could conflict'
  },
)

check(
  'mesh/telemetry-one-per-namespace',
  {
    asserts: 'no namespace has two selector-less Telemetry resources (IST0160)',
    guide: '9,10',
    level: 'recommended',
    effect: 'reads',
    needs: ['mesh/crds'],
    remedy: 'give all but one a selector, or merge them: Istio takes one of them, by age',
  },
  async ({ stack, expect }) => {
    const [version = 'v1alpha1'] = await stack.k8s.served.versionsOf('telemetries.telemetry.istio.io')
    const telemetries = await stack.all(`telemetry.istio.io/${version}/Telemetry`)
    const without = telemetries.filter(
      (each) => !each.spec?.selector && !each.spec?.targetRef && !each.spec?.targetRefs?.length,
    )
    const byNamespace = Map.groupBy(without, (each) => each.metadata?.namespace)
    const double = [...byNamespace]
      .filter(([, all]) => all.length > 1)
      .map(([namespace, all]) => `${namespace}: ${all.map((each) => each.metadata?.name).join(', ')}`)
    expect(double, 'namespaces with more than one Telemetry without a selector').toBeNone()
    return `${telemetries.length} Telemetry resources, ${without.length} without a selector, at most one a namespace`
  },
)
